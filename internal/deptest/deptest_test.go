// Package deptest keeps the module's imports running one way:
//
//	host → engine → (guest/http1, abi)      guest → guest/http1 → abi
//
// It looks at what is compiled natively and at what is compiled to WASI.
package deptest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	root   = "../.."
	module = "github.com/sluicehttp/sluice"
	wazero = "github.com/tetratelabs/wazero"
)

type layer struct {
	pkg    string
	may    []string
	reason string
}

// layers says which packages of the module each package may import. Paths are relative to the module; "x/..." is x and
// everything below it. The first layer that fits a package counts.
var layers = []layer{
	{"abi", nil, "everything stands on abi, so it stands on nothing"},
	{"abi/...", []string{"abi"}, "what generates and checks the bindings must not depend on their users"},
	{"guest/http1", []string{"abi"}, "the core is sans-IO and knows neither its exports nor its host"},
	{"guest/...", []string{"guest/http1", "abi"}, "core.wasm holds the core and its exports, nothing of the host"},
	{"engine/internal/llhttp", []string{"engine/internal/wasmruntime"},
		"a second opinion is worth nothing if it shares code with the first; only the runtime is the same"},
	{"engine/...", []string{"engine/...", "guest/http1", "abi"}, "embedders get the engine without the command line"},
	{"host/template", []string{"examples", "sdk-as", "sdk-c", "sdk-go", "sdk-js", "sdk-rust", "sdk-zig"},
		"new projects are made of examples and SDKs, whose files these packages hold"},
	{"host/...", []string{"host/...", "engine", "engine/handlertest"},
		"the command line uses the public API: what it lacks, every embedder lacks"},
	{"sdk-as", nil, onlyFiles},
	{"sdk-c", nil, onlyFiles},
	{"sdk-js", nil, onlyFiles},
	{"sdk-rust", nil, onlyFiles},
	{"sdk-zig", nil, onlyFiles},
	{"sdk-go/...", []string{"sdk-go/..."}, "handlers are built without the engine"},
	{"examples/embed-go", []string{"engine"}, "the example shows what the public API can do alone"},
	{"examples/...", []string{"sdk-go/..."}, "an example handler is built as anyone's would be"},
	{"scripts/...", nil, "checks of what was built must not share its code"},
	{"internal/corpus", []string{"abi"}, "tests of the core and of its hosts share it, so it knows the core's records alone"},
	{"internal/...", nil, "these are tests of the whole; what they need they import in tests"},
}

const onlyFiles = "it holds the files of an SDK for new projects, and no code"

// onlyForTests are packages that nothing but tests may import.
var onlyForTests = []string{
	"engine/internal/hostabi/exchangetest",
	"engine/internal/llhttp",
	"engine/internal/wasmtest",
}

const onlyForTestsReason = "it is there for tests and benchmarks, and nothing that is shipped may hold it"

// coreStd is all that the core may import of the standard library.
var coreStd = []string{
	"encoding/binary", // byte orders only
	"math/bits",
	"unsafe",
}

const coreStdReason = "the core does no I/O, has no clock, and must stay small under TinyGo: no fmt, no reflection, " +
	"no allocation per request"

// sdkStd is all that the core of the SDK for Go may import of the standard library, and sdkCore its packages. Every handler
// holds them, but for embed: with it a file that is built natively alone holds the sources, for new projects.
var (
	sdkStd  = []string{"embed", "errors", "io", "strconv", "unsafe"}
	sdkCore = []string{"sdk-go", "sdk-go/abi", "sdk-go/internal/host"}
)

const sdkStdReason = "a handler that says hello must not pay for fmt, reflection, os or net/http, neither in size nor in the " +
	"memory that is restored after each request: what needs them is in a package of its own, such as sdk-go/json"

// mayImportWazero are the packages that may import the runtime; mayTestWithWazero may do so in tests.
var (
	mayImportWazero   = []string{"engine/internal/..."}
	mayTestWithWazero = []string{"engine/internal/...", "abi"}
)

const wazeroReason = "the runtime stays an implementation detail of engine/internal, so that it can be replaced"

func TestNoGoFilesInRoot(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		t.Errorf("%s: Go files live in folders; the root holds what concerns the whole project", filepath.Base(f))
	}
}

func TestLayers(t *testing.T) {
	for _, p := range load(t).own() {
		i := slices.IndexFunc(layers, func(l layer) bool { return match(l.pkg, p.rel()) })
		if i < 0 {
			t.Errorf("%s belongs to no layer: give it a line in the table of this test", p.rel())
			continue
		}
		for _, imp := range p.Imports {
			if rel, own := within(imp); own && !matchAny(layers[i].may, rel) {
				t.Errorf("%s imports %s: %s", p.rel(), rel, layers[i].reason)
			}
		}
	}
}

func TestOnlyForTests(t *testing.T) {
	graph := load(t)
	for _, name := range onlyForTests {
		if graph[module+"/"+name] == nil {
			t.Errorf("%s is missing: nothing was checked", name)
		}
	}
	for _, p := range graph.own() {
		for _, imp := range p.Imports {
			if rel, own := within(imp); own && slices.Contains(onlyForTests, rel) {
				t.Errorf("%s imports %s: %s", p.rel(), rel, onlyForTestsReason)
			}
		}
	}
}

func TestCoreStd(t *testing.T) {
	graph := load(t)
	for _, name := range []string{"guest", "guest/http1", "abi"} {
		p := graph[module+"/"+name]
		if p == nil {
			t.Errorf("%s is missing: nothing was checked", name)
			continue
		}
		for _, imp := range p.Imports {
			if _, own := within(imp); !own && !slices.Contains(coreStd, imp) {
				t.Errorf("%s imports %s: %s", name, imp, coreStdReason)
			}
		}
	}
}

func TestSDKStd(t *testing.T) {
	graph := load(t)
	for _, name := range sdkCore {
		p := graph[module+"/"+name]
		if p == nil {
			t.Errorf("%s is missing: nothing was checked", name)
			continue
		}
		for _, imp := range p.Imports {
			rel, own := within(imp)
			if own && !slices.Contains(sdkCore, rel) || !own && !slices.Contains(sdkStd, imp) {
				t.Errorf("%s imports %s: %s", name, imp, sdkStdReason)
			}
		}
	}
}

func TestWazero(t *testing.T) {
	seen := false
	for _, p := range load(t).own() {
		check := func(imports, allowed []string, where string) {
			for _, imp := range imports {
				if imp != wazero && !strings.HasPrefix(imp, wazero+"/") {
					continue
				}
				seen = true
				if !matchAny(allowed, p.rel()) {
					t.Errorf("%s%s imports %s: %s", p.rel(), where, imp, wazeroReason)
				}
			}
		}
		check(p.Imports, mayImportWazero, "")
		check(slices.Concat(p.TestImports, p.XTestImports), mayTestWithWazero, "'s tests")
	}
	if !seen {
		t.Error("no package imports the runtime: this test looks for the wrong name")
	}
}

func matchAny(patterns []string, rel string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return match(pattern, rel) })
}

// match reports whether a path relative to the module fits a pattern.
func match(pattern, rel string) bool {
	if pattern == "..." {
		return true
	}
	if prefix, ok := strings.CutSuffix(pattern, "/..."); ok {
		return rel == prefix || strings.HasPrefix(rel, prefix+"/")
	}
	return rel == pattern
}

// within gives an import path relative to the module, if it lies in it.
func within(path string) (rel string, ok bool) {
	return strings.CutPrefix(path, module+"/")
}

// pkg is what `go list` says of a package.
type pkg struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func (p *pkg) rel() string {
	rel, _ := within(p.ImportPath)
	return rel
}

// graph holds packages by import path.
type graph map[string]*pkg

// own lists the packages of the module in order.
func (g graph) own() []*pkg {
	var own []*pkg
	for _, p := range g {
		if _, ok := within(p.ImportPath); ok {
			own = append(own, p)
		}
	}
	slices.SortFunc(own, func(a, b *pkg) int { return strings.Compare(a.ImportPath, b.ImportPath) })
	return own
}

// load lists the module's packages, as compiled natively and for WASI.
func load(t *testing.T) graph {
	t.Helper()
	watchSources(t)
	g := graph{}
	for _, env := range [][]string{nil, {"GOOS=wasip1", "GOARCH=wasm"}} {
		cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
		cmd.Dir = root
		cmd.Env = append(os.Environ(), env...)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		for d := json.NewDecoder(bytes.NewReader(out)); ; {
			p := &pkg{}
			if err := d.Decode(p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			if old := g[p.ImportPath]; old != nil {
				p.Imports = union(p.Imports, old.Imports)
				p.TestImports = union(p.TestImports, old.TestImports)
				p.XTestImports = union(p.XTestImports, old.XTestImports)
			}
			g[p.ImportPath] = p
		}
	}
	return g
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// watchSources looks at every source file, because `go test` repeats an old result until a file changes that the test
// itself looked at, and what `go list` reads does not count.
func watchSources(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && (name == "build" || name == "node_modules" || name == "target" || name == ".git") {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, ".go") || d.Name() == "go.mod" {
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
