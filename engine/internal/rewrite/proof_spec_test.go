package rewrite_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/sluicehttp/sluice/engine/internal/rewrite"
)

var update = flag.Bool("update", false, "write the golden files")

// mostFailures is how many failures are told.
const mostFailures = 20

const specGolden = "testdata/spec.golden"

// TestSpec runs the tests of the WebAssembly specification on rewritten modules: those of versions 1 and 2, as they lie in
// wazero's source. What ran and what did not, and why not, is in the golden file, so that no test can go missing quietly.
//
// The interpreter runs all of it, and the compiler, which takes longer, unless the tests are short.
func TestSpec(t *testing.T) {
	known := failuresUnrewritten(t)
	engines := map[string]wazero.RuntimeConfig{"interpreter": wazero.NewRuntimeConfigInterpreter()}
	if !testing.Short() {
		engines["compiler"] = wazero.NewRuntimeConfigCompiler()
	}
	for name, config := range engines {
		t.Run(name, func(t *testing.T) {
			compareGolden(t, specGolden, runSpec(t, config, rewriteForSpec, known))
		})
	}
}

// rewriteForSpec takes whatever the specification allows.
func rewriteForSpec(wasm []byte) (*rewrite.Module, error) {
	return rewrite.Rewrite(wasm, rewrite.Options{
		MaxMemory: 1 << 32, MaxTableEntries: math.MaxUint32, MaxBranches: math.MaxInt32, MaxBlocks: math.MaxInt32,
	})
}

func compareGolden(t *testing.T, path, have string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(have), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) == have {
		return
	}
	lines := strings.Split(have, "\n")
	for i, line := range strings.Split(string(want), "\n") {
		if i >= len(lines) || lines[i] != line {
			t.Fatalf("%s:%d: want %q, have %q; -update writes it anew", path, i+1, line, lines[min(i, len(lines)-1)])
		}
	}
	t.Fatalf("%s: there is more than that: %q", path, lines[len(lines)-1])
}

// runSpec runs all files of tests and returns what it did. What is known to fail on modules as they are may fail.
func runSpec(t *testing.T, config wazero.RuntimeConfig, rewriter rewriter, known map[string]string) string {
	out := "# What of the specification's tests runs on rewritten modules: for each file the kinds of test, how many, and what\n" +
		"# came of them.\n"
	total, failed := tally{}, 0
	for _, s := range specFiles(t, rewriter) {
		s.known = known
		s.run(t.Context(), config)
		for _, where := range slices.Sorted(maps.Keys(s.failures)) {
			t.Errorf("%s: %s", where, s.failures[where])
			if failed++; failed == mostFailures {
				t.Fatal("there are more")
			}
		}
		out += s.name + s.done.String() + "\n"
		for k, n := range s.done {
			total[k] += n
		}
	}
	return out + "total" + total.String() + "\n"
}

// failuresUnrewritten are the tests that fail on modules as they are, by file and line, and how.
func failuresUnrewritten(t *testing.T) map[string]string {
	all := map[string]string{}
	for _, s := range specFiles(t, unrewritten) {
		s.run(t.Context(), wazero.NewRuntimeConfigInterpreter())
		maps.Copy(all, s.failures)
	}
	return all
}

func specFiles(t *testing.T, rewriter rewriter) (all []*spec) {
	for _, dir := range []string{"v1", "v2"} {
		files, err := filepath.Glob(filepath.Join(specDir(t), dir, "testdata", "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no tests of the specification in %s: %v", specDir(t), err)
		}
		for _, file := range files {
			name := dir + "/" + strings.TrimSuffix(filepath.Base(file), ".json")
			all = append(all, &spec{T: t, name: name, file: file, rewriter: rewriter})
		}
	}
	return all
}

// specDir is where wazero keeps the tests of the specification.
func specDir(t *testing.T) string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(strings.TrimSpace(string(dir)), "internal", "integration_test", "spectest")
}

// tally counts what was done.
type tally map[string]int

func (t tally) String() string {
	var out string
	for _, k := range slices.Sorted(maps.Keys(t)) {
		out += fmt.Sprintf("\n\t%s: %d", k, t[k])
	}
	return out
}

// spec runs one file of tests.
type spec struct {
	*testing.T
	name     string
	file     string
	rewriter rewriter
	known    map[string]string // what fails on modules as they are, by file and line
	done     tally
	failures map[string]string // what fails here and not there

	runtime   wazero.Runtime
	meter     *meter
	instances []*instance          // all, for their budgets
	named     map[string]*instance // by the names that commands call them by; "" is the last one
	imports   map[string]api.Module
}

// command is a command of a file of tests (https://github.com/WebAssembly/wabt/blob/main/docs/wast2json.md).
type command struct {
	Type       string
	Line       int
	Name       string
	Filename   string
	As         string
	Text       string
	ModuleType string `json:"module_type"`
	Action     struct {
		Type   string
		Field  string
		Module string
		Args   []specValue
	}
	Expected []specValue
}

func (s *spec) run(ctx context.Context, config wazero.RuntimeConfig) {
	content, err := os.ReadFile(s.file)
	if err != nil {
		s.Fatal(err)
	}
	var commands struct{ Commands []command }
	if err := json.Unmarshal(content, &commands); err != nil {
		s.Fatal(err)
	}
	s.done, s.failures = tally{}, map[string]string{}
	s.runtime = wazero.NewRuntimeWithConfig(ctx, config.WithCoreFeatures(api.CoreFeaturesV2))
	defer s.runtime.Close(ctx)
	s.meter = newMeter(ctx, s.T, s.runtime)
	s.meter.slice, s.meter.stack = specSlice, specStack
	s.named = map[string]*instance{}
	s.imports = map[string]api.Module{"spectest": s.spectest(ctx)}
	for _, c := range commands.Commands {
		if result := s.command(ctx, c); result != "" {
			s.done[c.Type+" "+result]++
		}
	}
}

const (
	// specSlice is how much work is done between two ticks.
	specSlice = 1000
	// specStack is the stack in bytes that a call has: less than what wazero's interpreter allows, which is 2000 frames.
	specStack = 64 << 10
)

// spectest is the module that the specification's tests import from.
func (s *spec) spectest(ctx context.Context) api.Module {
	wasm := s.read(filepath.Join("..", "..", "testdata", "spectest.wasm"))
	module, err := s.runtime.InstantiateWithConfig(ctx, wasm, wazero.NewModuleConfig().WithName("spectest"))
	if err != nil {
		s.Fatal(err)
	}
	return module
}

// command runs a command and says what came of it.
func (s *spec) command(ctx context.Context, c command) (result string) {
	where, failure := fmt.Sprintf("%s.wast:%d", s.name, c.Line), ""
	fail := func(format string, args ...any) { failure = c.Type + ": " + fmt.Sprintf(format, args...) }
	defer func() {
		switch {
		case failure == "":
		case failure == s.known[where]:
			result = "not as specified, and no other than without rewriting"
		default:
			s.failures[where], result = failure, "FAILED"
		}
	}()
	if c.ModuleType == "text" {
		return "skipped: in text format"
	}
	switch c.Type {
	case "register":
		if i := s.named[c.Name]; i != nil {
			s.imports[c.As] = i.module
			return "done"
		}
		return "skipped: the module is not there"
	case "module":
		i, err := s.instantiate(ctx, c.Filename)
		s.named[""], s.named[c.Name] = i, i
		if err != nil {
			fail("%s: %v", c.Filename, err)
		}
		return "done"
	case "assert_invalid", "assert_malformed":
		return s.refused(ctx, c, fail)
	case "assert_unlinkable":
		if _, err := s.instantiate(ctx, c.Filename); err == nil {
			fail("%s was linked, want %q", c.Filename, c.Text)
		}
		return "done"
	case "assert_uninstantiable":
		i, err := s.instantiate(ctx, c.Filename)
		if err == nil && !i.late {
			fail("%s was instantiated, want %q", c.Filename, c.Text)
		}
		return "done"
	}
	i := s.named[c.Action.Module]
	if i == nil {
		return "skipped: the module is not there"
	}
	return s.action(ctx, c, i, fail)
}

// refused checks that a module is refused before it is linked with anything. Version 2 of the language allows some of what
// version 1 did not.
func (s *spec) refused(ctx context.Context, c command, fail func(string, ...any)) string {
	wasm := s.read(c.Filename)
	rewritten, err := s.rewriter(wasm)
	if err != nil || !s.compiles(ctx, rewritten.Wasm) {
		return "done"
	}
	if s.compiles(ctx, wasm) {
		// wazero looks at some constant expressions only now.
		if _, err := s.instantiate(ctx, c.Filename); err != nil {
			return "done by instantiation"
		}
		return "skipped: valid in version 2"
	}
	fail("%s has become valid, want %q", c.Filename, c.Text)
	return ""
}

func (s *spec) compiles(ctx context.Context, wasm []byte) bool {
	compiled, err := s.runtime.CompileModule(ctx, wasm)
	if err != nil {
		return false
	}
	compiled.Close(ctx)
	return true
}

func (s *spec) read(file string) []byte {
	content, err := os.ReadFile(filepath.Join(filepath.Dir(s.file), file))
	if err != nil {
		s.Fatal(err)
	}
	return content
}

// instantiate rewrites a module and makes an instance of it, with its start function called.
func (s *spec) instantiate(ctx context.Context, file string) (*instance, error) {
	rewritten, err := s.rewriter(s.read(file))
	if err != nil {
		return nil, err
	}
	i, err := newInstance(ctx, s.runtime, rewritten, s.meter, func(name string) api.Module { return s.imports[name] })
	if i != nil {
		s.instances = append(s.instances, i)
	}
	if err != nil {
		return nil, err
	}
	return i, nil
}

// action calls a function or reads a global, and compares what comes of it.
func (s *spec) action(ctx context.Context, c command, i *instance, fail func(string, ...any)) string {
	if c.Action.Type == "get" {
		global := i.module.ExportedGlobal(c.Action.Field)
		if global == nil {
			fail("no global %s", c.Action.Field)
		} else if have := []uint64{global.Get()}; !matchAll(c.Expected, have) {
			fail("%s is %x, want %v", c.Action.Field, have, c.Expected)
		}
		return "done"
	}
	var args []uint64
	for _, arg := range c.Action.Args {
		args = append(args, arg.words()...)
	}
	// A call may go on into any other instance.
	for _, other := range s.instances {
		other.refill()
	}
	results, err := i.call(ctx, c.Action.Field, args...)
	switch c.Type {
	case "action":
		if err != nil {
			fail("%s: %v", c.Action.Field, err)
		}
	case "assert_return":
		if err != nil {
			fail("%s: %v", c.Action.Field, err)
		} else if !matchAll(c.Expected, results) {
			fail("%s(%v) is %x, want %v", c.Action.Field, c.Action.Args, results, c.Expected)
		}
	case "assert_trap":
		if err == nil || !strings.Contains(err.Error(), specTrap(c.Text)) {
			fail("%s(%v) ended with %v, want %q", c.Action.Field, c.Action.Args, err, c.Text)
		}
	case "assert_exhaustion":
		if i.metered && !errors.Is(err, errNoStack) {
			fail("%s ended with %v, want the stack to end", c.Action.Field, err)
		}
		if !i.metered && (err == nil || !strings.Contains(err.Error(), "stack overflow")) {
			fail("%s ended with %v, want the stack to end", c.Action.Field, err)
		}
	default:
		fail("this command is unknown")
	}
	return "done"
}

// specTrap is what wazero says where the specification says text.
func specTrap(text string) string {
	switch {
	case strings.HasPrefix(text, "uninitialized"), strings.HasPrefix(text, "undefined"), text == "out of bounds table access":
		return "invalid table access"
	case text == "indirect call":
		return "indirect call type mismatch"
	}
	return text
}
