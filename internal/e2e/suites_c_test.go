package e2e

import (
	"os/exec"
	"testing"
)

// The examples in C, C++, Zig and AssemblyScript do what they have to, those in C built by Zig's compiler, too; and what the C
// header has for forms, for JSON and for requests that come whole is enough for the examples that need it.
func TestSuitesOfSmallLanguages(t *testing.T) {
	for handler, suite := range map[string]string{
		"examples/c/hello":              "hello",
		"examples/c/echo":               "echo",
		"examples/cpp/hello":            "hello",
		"examples/cpp/echo":             "echo",
		"examples/zig/hello":            "hello",
		"examples/zig/echo":             "echo",
		"examples/assemblyscript/hello": "hello",
		"examples/assemblyscript/echo":  "echo",
		"handlers/hello-zig-cc":         "hello",
		"handlers/echo-zig-cc":          "echo",
		"handlers/hello-whole-c":        "hello",
		"handlers/form-c":               "form",
		"handlers/json-api-c":           "json-api",
	} {
		t.Run(handler, func(t *testing.T) {
			play := exec.CommandContext(untilDeadline(t), programFile, "test", module(t, handler), "--suite", suite, "--suite", "http")
			play.Env = environment()
			if output, err := play.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, output)
			}
		})
	}
}
