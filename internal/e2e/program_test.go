// Package e2e runs the built program as a process on a loopback port, with handlers as compilers make them, and talks to it
// with the clients that people use: curl, Node's fetch, Go's net/http, and sockets that say what no client would.
//
// This file builds and finds what the tests need, server_test.go runs the program, client_test.go and socket_test.go talk to
// it; the others hold tests by theme.
package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	_ "github.com/sluicehttp/sluice/host/command" // so that `go test` runs the tests again when the program changes
)

const root = "../.."

// folder holds the program and what it caches; programFile is the program.
var folder, programFile string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) (status int) {
	var err error
	if folder, err = os.MkdirTemp("", "sluice-e2e-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	programFile = filepath.Join(folder, "sluice")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", programFile, "./host")
	build.Dir = root
	if output, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n%s", build, err, output)
		return 1
	}
	return m.Run()
}

// module finds a handler that was built, such as "examples/abi/echo-c".
func module(t *testing.T, name string) string {
	t.Helper()
	file, err := filepath.Abs(filepath.Join(root, "build", filepath.FromSlash(name)+".wasm"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); err != nil {
		missing(t, fmt.Sprintf("build/%s.wasm is missing; ./build.sh examples makes it", name))
	}
	return file
}

// needCurl ends a test where there is no curl.
func needCurl(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		missing(t, "curl is missing; on Debian: apt-get install curl")
	}
}

// needNode ends a test where there is no Node, or none with a fetch of its own.
func needNode(t *testing.T) {
	t.Helper()
	version, _ := exec.CommandContext(t.Context(), "node", "--version").Output()
	major, _, _ := strings.Cut(strings.TrimPrefix(string(version), "v"), ".")
	if number, err := strconv.Atoi(major); err != nil || number < 18 {
		missing(t, "Node 18 or newer is missing; on Debian: apt-get install nodejs")
	}
}

// missing ends a test for want of something: as skipped, or as failed where everything has to be there.
func missing(t *testing.T, message string) {
	t.Helper()
	if os.Getenv("SLUICE_REQUIRE_TOOLCHAINS") == "1" {
		t.Fatal(message)
	}
	t.Skip(message)
}
