package e2e

import (
	"os/exec"
	"testing"
)

// The examples in JavaScript and TypeScript do what they have to, alone in an instance and among others.
func TestSuitesOfJavaScript(t *testing.T) {
	// All of them have the same code, so from now on the cache has it.
	startConfig(t, "native", patientCompiler+route(t, "examples/js/hello")).ask(t, "/", 200, "Hello, world!\n")
	for example, suite := range map[string]string{
		"hello":    "hello",
		"hello-ts": "hello",
		"echo":     "echo",
		"json-api": "json-api",
		"upload":   "upload",
		"download": "download",
		"form":     "form",
	} {
		for _, isolation := range []string{"request", "shared"} {
			t.Run(example+"/"+isolation, func(t *testing.T) {
				play := exec.CommandContext(untilDeadline(t), programFile, "test", module(t, "examples/js/"+example),
					"--suite", suite, "--suite", "http", "--isolation", isolation)
				play.Env = environment()
				if output, err := play.CombinedOutput(); err != nil {
					t.Errorf("%v\n%s", err, output)
				}
			})
		}
	}
}
