package handlertest

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/engine"
)

var update = flag.Bool("update", false, "write testdata/fails.golden anew")

// puppet builds the handler that does what its target says.
func puppet(t *testing.T) Setup {
	t.Helper()
	out := filepath.Join(t.TempDir(), "puppet.wasm")
	build := exec.CommandContext(t.Context(), "clang", "--target=wasm32", "-std=c11", "-Wall", "-Wextra", "-Werror", "-O2",
		"-ffreestanding", "-nostdlib", "-I", "../../sdk-c", "-Wl,--no-entry,--stack-first,-z,stack-size=8192",
		"-o", out, "testdata/puppet.c")
	if message, err := build.CombinedOutput(); err != nil {
		missing(t, "the puppet cannot be built; on Debian: apt-get install clang lld\n"+err.Error()+"\n"+string(message))
	}
	wasm, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return Setup{Handler: engine.Module{Name: "puppet.wasm", Wasm: wasm}, CacheDir: cacheDir, Timeout: 30 * time.Second}
}

// missing ends a test for want of something: as skipped, or as failed where everything has to be there.
func missing(t *testing.T, message string) {
	t.Helper()
	if os.Getenv("SLUICE_REQUIRE_TOOLCHAINS") == "1" {
		t.Fatal(message)
	}
	t.Skip(message)
}

func open(t *testing.T, file string) *Suite {
	t.Helper()
	suite, err := Open(file)
	if err != nil {
		t.Fatal(err)
	}
	return suite
}

// Every kind of step and expectation is met, with either core, and what the suite for every handler has of them.
func TestPasses(t *testing.T) {
	setup := puppet(t)
	for _, setup.Core = range []engine.Core{engine.CoreWasm, engine.CoreNative} {
		t.Run(string(setup.Core), func(t *testing.T) { Run(t, setup, "testdata/passes.md", Default) })
	}
}

// Every check is seen to fail, and what the kit says of it is worth reading. Most cases wait in vain, so each has an engine of
// its own and all wait at the same time.
func TestFails(t *testing.T) {
	setup := puppet(t)
	setup.Timeout = 3 * time.Second
	setup.Core = engine.CoreNative
	setup.Limits.CPU = 100 * time.Millisecond
	suite := open(t, "testdata/fails.md")
	told := make([]string, len(suite.Cases))
	t.Run("cases", func(t *testing.T) {
		for i, c := range suite.Cases {
			t.Run(c.Title, func(t *testing.T) {
				t.Parallel()
				told[i] = "## " + c.Title + "\n\n" + fail(t, setup, c) + "\n"
			})
		}
	})
	checkGolden(t, "testdata/fails.golden", strings.Join(told, ""))
}

// fail plays a case that has to fail, within a time.
func fail(t *testing.T, setup Setup, c *Case) string {
	t.Helper()
	setup.Only = regexp.MustCompile("^" + regexp.QuoteMeta(c.Name()) + "$")
	results, err := Check(t.Context(), setup, c.Suite)
	if err != nil || len(results) != 1 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	result := results[0]
	if result.Passed() {
		t.Error("it passed")
	}
	if limit := 4 * setup.Timeout; result.Took > limit {
		t.Errorf("it took %v, more than %v", result.Took, limit)
	}
	told, heard, found := strings.Cut(result.Failure, "  the handler")
	if !found || !strings.Contains(heard, " heard and did:\n") && heard != " was given no request\n" {
		t.Errorf("it does not say what the handler heard:\n%s", result.Failure)
	}
	if len(c.events) == 0 {
		return told // when it heard that its peer is gone is another each time
	}
	return result.Failure
}

// changing is what is another each time.
var changing = regexp.MustCompile(`Date: [^\\]* GMT|[0-9.]+ms of 100ms`)

func checkGolden(t *testing.T, file, got string) {
	t.Helper()
	got = changing.ReplaceAllString(got, "(changing)")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) == got {
		return
	}
	d := &diff{}
	d.lines(strings.Split(string(want), "\n"), strings.Split(got, "\n"))
	t.Errorf("it is not as in %s; `go test ./engine/handlertest -update` writes it anew:\n%s", file, strings.Join(d.text, "\n"))
}
