package e2e

import (
	"os/exec"
	"strings"
	"testing"
)

// The examples in C, C++, Zig and AssemblyScript do what they have to, those in C built by Zig's compiler, too; and what the C
// header has for forms, for JSON and for requests that come whole is enough for the examples that need it. The mirrors use what
// the examples do not.
func TestSuitesOfSmallLanguages(t *testing.T) {
	const mirror = "--suite ../../sdk-c/test/mirror.md"
	for handler, suites := range map[string]string{
		"examples/c/hello":              "--suite hello --suite http",
		"examples/c/echo":               "--suite echo --suite http",
		"examples/cpp/hello":            "--suite hello --suite http",
		"examples/cpp/echo":             "--suite echo --suite http",
		"examples/zig/hello":            "--suite hello --suite http",
		"examples/zig/echo":             "--suite echo --suite http",
		"examples/assemblyscript/hello": "--suite hello --suite http",
		"examples/assemblyscript/echo":  "--suite echo --suite http",
		"handlers/hello-zig-cc":         "--suite hello --suite http",
		"handlers/echo-zig-cc":          "--suite echo --suite http",
		"handlers/hello-whole-c":        "--suite hello --suite http",
		"handlers/form-c":               "--suite form --suite http",
		"handlers/json-api-c":           "--suite json-api --suite http",
		"handlers/mirror-c":             mirror,
		"handlers/mirror-zig":           mirror,
		"handlers/mirror-as":            mirror,
	} {
		t.Run(handler, func(t *testing.T) {
			play := exec.CommandContext(untilDeadline(t), programFile,
				append([]string{"test", module(t, handler)}, strings.Fields(suites)...)...)
			play.Env = environment()
			if output, err := play.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, output)
			}
		})
	}
}
