package handlertest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/engine"
)

// The handlers of examples/, built into build/examples, pass the suites that they have to.

const built = "../../build"

var six = []string{"hello", "echo", "json-api", "upload", "download", "form"}

// examples are those that each language has.
var examples = map[string][]string{
	"rust": six, "js": six, "go": six,
	"c": six[:2], "cpp": six[:2], "zig": six[:2], "assemblyscript": six[:2],
}

// TestExamples plays the suite of the example's name, and the one for every handler. A language may have an example in several
// ways, such as hello-ts beside hello. What else it has only has to pass the suite for every handler.
func TestExamples(t *testing.T) {
	for language, names := range examples {
		t.Run(language, func(t *testing.T) {
			files, _ := filepath.Glob(filepath.Join(built, "examples", language, "*.wasm"))
			if len(files) == 0 {
				missing(t, "build/examples/"+language+" has no handlers; ./build.sh examples makes them")
			}
			for _, name := range names {
				if file := filepath.Join(built, "examples", language, name+".wasm"); !slices.Contains(files, file) {
					t.Errorf("%s is missing", file)
				}
			}
			for _, file := range files {
				name := strings.TrimSuffix(filepath.Base(file), ".wasm")
				suites := []string{Default}
				for _, example := range six {
					if name == example || strings.HasPrefix(name, example+"-") {
						suites = append(suites, example)
					}
				}
				t.Run(name, func(t *testing.T) { runFile(t, file, suites...) })
			}
		})
	}
}

// TestBareExamples: the handlers against the bare interface keep what every handler has to. The chat room does not: its answers
// have no end.
func TestBareExamples(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(built, "examples/abi/*.wasm"))
	if len(files) == 0 {
		missing(t, "build/examples/abi has no handlers; ./build.sh examples makes them")
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".wasm")
		if name != "chat-c" {
			t.Run(name, func(t *testing.T) { runFile(t, file) })
		}
	}
}

// TestChat has one peer hear what another posts.
func TestChat(t *testing.T) {
	setup := fromFile(t, filepath.Join(built, "examples/abi/chat-c.wasm"))
	setup.Isolation = engine.ShareInstance
	Run(t, setup, "testdata/chat.md")
}

// runFile plays suites against a built handler.
func runFile(t *testing.T, file string, suites ...string) {
	t.Parallel()
	Run(t, fromFile(t, file), suites...)
}

// fromFile reads a built handler. Compiling some of them takes long, so what comes of it is kept.
func fromFile(t *testing.T, file string) Setup {
	t.Helper()
	wasm, err := os.ReadFile(file)
	if err != nil {
		missing(t, err.Error()+"; ./build.sh examples makes it")
	}
	return Setup{
		Handler:  engine.Module{Name: filepath.Base(file), Wasm: wasm},
		CacheDir: cacheDir,
		Timeout:  2 * time.Minute, // other tests may keep the machine busy, and some languages are slow
	}
}

const cacheDir = built + "/handlertest/cache"
