package sandbox

import (
	"embed"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluicehttp/sluice/engine/internal/rewrite"
	"github.com/sluicehttp/sluice/engine/internal/wasm"
)

// TestVersionHasAllSources finds files that decide what becomes of a module and are not part of the cache's keys: with them
// changed, a program would take from the cache what it would not make.
func TestVersionHasAllSources(t *testing.T) {
	for dir, listed := range map[string]embed.FS{"../wasm": wasm.Sources, "../rewrite": rewrite.Sources} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no files in %s (%v)", dir, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			checkSource(t, listed, file)
		}
	}
	own, err := fs.Glob(sources, "*")
	if err != nil || !slices.Contains(own, "check.go") || !slices.Contains(own, "loader.go") {
		t.Errorf("of this package there are %q (%v)", own, err)
	}
	for _, file := range own {
		checkSource(t, sources, file)
	}
}

func checkSource(t *testing.T, listed embed.FS, file string) {
	t.Helper()
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got, err := listed.ReadFile(filepath.Base(file))
	if err != nil || string(got) != string(want) {
		t.Errorf("%s is not among the Sources of its package (%v)", file, err)
	}
}

// TestVersionDependsOnConfiguration has what was made for one configuration be of no use for another.
func TestVersionDependsOnConfiguration(t *testing.T) {
	loader := func() *Loader {
		return &Loader{maxMemory: 1 << 20, checker: checker{
			maxMemory: 1 << 20, importable: map[string]signatures{"a": {"f": "() -> ()"}, "b": {"f": "() -> ()"}},
		}}
	}
	want := loader().versionOf()
	if got := loader().versionOf(); got != want {
		t.Error("the versions of equal loaders differ")
	}
	memory, function, signature := loader(), loader(), loader()
	memory.maxMemory++
	function.checker.importable["b"]["g"] = "() -> ()"
	signature.checker.importable["a"]["f"] = "() -> i32"
	for name, l := range map[string]*Loader{"memory": memory, "function": function, "signature": signature} {
		if l.versionOf() == want {
			t.Errorf("another %s makes no other version", name)
		}
	}
	if memory.sourceSum([32]byte{1}) == memory.sourceSum([32]byte{2}) {
		t.Error("the keys of two modules are equal")
	}
}
