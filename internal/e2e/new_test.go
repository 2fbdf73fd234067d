package e2e

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// newTime is what it may take from nothing to a handler that is built, with empty caches, in time of processors: how long a
// newcomer waits on a machine that has nothing else to do.
const newTime = time.Minute

// toolchains are what builds in each language, where it may lie besides PATH, and where it comes from.
var toolchains = []struct{ lang, tool, folder, remedy string }{
	{"rust", "cargo", "/usr/bin", "on Debian: apt-get install cargo libstd-rust-dev-wasm32 lld"},
	{"js", "npm", "", "on Debian: apt-get install nodejs npm"},
	{"ts", "npm", "", "on Debian: apt-get install nodejs npm"},
	{"go", "go", "", "https://go.dev/dl/"},
	{"c", "clang", "", "on Debian: apt-get install clang lld"},
	{"cpp", "clang++", "", "on Debian: apt-get install clang lld"},
	{"zig", "zig", "../../build/zig/ziglang", "sdk-zig/build.sh examples installs it"},
	{"as", "npm", "", "on Debian: apt-get install nodejs npm"},
}

// In each language: a new project is built by the one command, and by the language's own tools as its README says, and says
// hello; then dev serves it, too.
func TestNew(t *testing.T) {
	for _, language := range toolchains {
		t.Run(language.lang, func(t *testing.T) {
			if !works(language.tool) && !prefer(t, language.folder, language.tool) {
				missing(t, language.tool+" is missing; "+language.remedy)
			}
			began := time.Now()
			folder := t.TempDir()
			took := sluice(t, folder, "new", "--lang", language.lang, "first-try")
			project := filepath.Join(folder, "first-try")
			took += sluice(t, project, "build")
			sayHello(t, startIn(t, project, "serve", "--addr", "127.0.0.1:0"))
			t.Logf("%.1f s to the first answer, %.1f s of processors for the build", time.Since(began).Seconds(), took.Seconds())
			if took > newTime {
				t.Errorf("the build took %v, want %v at most", took, newTime)
			}
			byHand(t, project)
			if language.lang == "ts" {
				command(t, nil, os.Stderr, "npm", "--prefix", project, "run", "--silent", "check")
			}
			sayHello(t, startIn(t, project, "dev", "--addr", "127.0.0.1:0"))
		})
	}
}

// works reports whether a tool is there; of Rust, whether its compiler has the library for wasm.
func works(tool string) bool {
	_, err := exec.LookPath(tool)
	if tool == "cargo" && err == nil {
		var folder []byte
		folder, err = exec.Command("rustc", "--print", "target-libdir", "--target", "wasm32-unknown-unknown").Output()
		if err == nil {
			_, err = os.Stat(strings.TrimSpace(string(folder)))
		}
	}
	return err == nil
}

// prefer puts a folder first on PATH for the rest of the test, if there is one and the tool works then.
func prefer(t *testing.T, folder, tool string) bool {
	t.Helper()
	absolute, err := filepath.Abs(folder)
	if folder == "" || err != nil {
		return false
	}
	t.Setenv("PATH", absolute+string(os.PathListSeparator)+os.Getenv("PATH"))
	return works(tool)
}

// sayHello expects that hello does what the specification of the examples says.
func sayHello(t *testing.T, s *server) {
	t.Helper()
	s.await(t, "the handler is served", func() bool { return doGo(t, get(s.url))[0].status == http.StatusOK })
	for target, want := range map[string]string{
		"": "Hello, world!\n", "?name=": "Hello, world!\n", "any/where?name=Ada%20L+x": "Hello, Ada L x!\n",
	} {
		got := doGo(t, get(s.url+target))[0]
		if got.status != http.StatusOK || got.text != want {
			t.Errorf("%s: got %d %q, want %q", target, got.status, got.text, want)
		}
	}
}

// byHand builds a project with the commands in its README.
func byHand(t *testing.T, project string) {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join(project, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(readme), "Without them it is built by\n\n")
	commands, _, closed := strings.Cut(after, "\n\n")
	if !found || !closed {
		t.Fatalf("the README does not say how it is built:\n%s", readme)
	}
	wasm := handlerOf(t, project)
	if err := os.Remove(wasm); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(untilDeadline(t), "sh", "-ec", commands)
	cmd.Dir = project
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", commands, err, output)
	}
	if _, err := os.Stat(wasm); err != nil {
		t.Errorf("%s: %v", commands, err)
	}
}

// handlerOf is the file that a project's route names.
func handlerOf(t *testing.T, project string) string {
	t.Helper()
	config, err := os.ReadFile(filepath.Join(project, "sluice.toml"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(config), "\nhandler = \"")
	name, _, found := strings.Cut(after, "\"")
	if !found {
		t.Fatalf("no handler in\n%s", config)
	}
	return filepath.Join(project, filepath.FromSlash(name))
}

// sluice runs a command of the program that ends by itself, in a folder, and says how much of processors it took.
func sluice(t *testing.T, folder string, args ...string) time.Duration {
	t.Helper()
	ctx, cancel := context.WithTimeout(untilDeadline(t), 5*newTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, programFile, args...)
	cmd.Dir, cmd.Env = folder, environment()
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		t.Fatalf("sluice %s: %v\n%s", strings.Join(args, " "), err, output.String())
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}
