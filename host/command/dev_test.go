package command

import (
	"bytes"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fill makes files, each holding its name.
func fill(t *testing.T, files ...string) {
	t.Helper()
	for _, file := range files {
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Sources are what is named, but for what tools and editors make in folders.
func TestSourceTree(t *testing.T) {
	t.Chdir(t.TempDir())
	fill(t, "sluice.toml", "a.c", "src/b.c", "src/deep/c.c", "out/handler.wasm", "out/other.wasm", "target/x", "node_modules/p/x.js",
		".git/HEAD", "src/.a.c.swp", "a.c~", "#a.c#", "zig-out/x", "build/z.c")
	for _, test := range []struct {
		roots, files, folders []string
	}{
		{[]string{"sluice.toml", "."}, []string{"a.c", "build/z.c", "out/other.wasm", "sluice.toml", "src/b.c", "src/deep/c.c"},
			[]string{".", "build", "out", "src", "src/deep"}},
		{[]string{"sluice.toml", "src", "a.c", "target"}, []string{"a.c", "sluice.toml", "src/b.c", "src/deep/c.c", "target/x"},
			[]string{".", "src", "src/deep", "target"}},
		{[]string{"sluice.toml", "later/on"}, []string{"sluice.toml"}, []string{"."}},
		{[]string{"sluice.toml", "src/later/on"}, []string{"sluice.toml"}, []string{".", "src"}},
	} {
		tree := &sourceTree{roots: test.roots, outputs: map[string]bool{"out/handler.wasm": true}}
		if files := slices.Sorted(maps.Keys(tree.look())); !slices.Equal(files, test.files) {
			t.Errorf("%v: the files are %v, want %v", test.roots, files, test.files)
		}
		folders := tree.folders()
		slices.Sort(folders)
		if folders = slices.Compact(folders); !slices.Equal(folders, test.folders) {
			t.Errorf("%v: the folders are %v, want %v", test.roots, folders, test.folders)
		}
	}
}

// A file that holds what it held before has not changed, whenever it was written.
func TestContents(t *testing.T) {
	t.Chdir(t.TempDir())
	fill(t, "a", "b")
	known := contents{}
	for _, step := range []struct {
		name string
		do   func() error
		want []string
	}{
		{"first", func() error { return nil }, []string{"a", "b"}},
		{"same", func() error { return os.WriteFile("a", []byte("a"), 0o600) }, nil},
		{"written", func() error { return os.WriteFile("a", []byte("A"), 0o600) }, []string{"a"}},
		{"removed", func() error { return os.Remove("b") }, []string{"b"}},
		{"still removed", func() error { return nil }, nil},
		{"made", func() error { return os.WriteFile("b", nil, 0o600) }, []string{"b"}},
		{"large", func() error { return os.Truncate("b", maxSource+1) }, []string{"b"}},
		{"still large", func() error { return nil }, []string{"b"}},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		if got := known.update([]string{"a", "b"}); !slices.Equal(got, step.want) {
			t.Errorf("%s: got %v, want %v", step.name, got, step.want)
		}
	}
}

// The log is for people: what handlers print as it is, stacks in lines of their own.
func TestDevLog(t *testing.T) {
	var out bytes.Buffer
	handler := newDevLog(&out, false)
	log := slog.New(handler)
	for _, test := range []struct {
		do   func()
		want string
	}{
		{func() { log.With("route", "/a").Info("handler printed", "stream", "stderr", "line", "hello") }, "/a | hello\n"},
		{func() { log.Warn("handler failed", "status", 500, "reason", errors.New("trap\nstack:\n\tf()")) },
			"warning: handler failed status=500\n         trap\n         stack:\n         \tf()\n"},
		{func() { log.WithGroup("g").With("a", 1).Error("x", "b", slog.GroupValue(slog.Int("c", 2))) }, "error: x g.a=1 g.b.c=2\n"},
		{func() { log.Debug("nothing") }, ""},
		{func() { handler.quiet.Store(true); log.Info("reloaded"); handler.quiet.Store(false) }, ""},
		{func() { log.Info("reloaded") }, "reloaded\n"},
	} {
		out.Reset()
		test.do()
		got := out.String()
		if _, after, found := strings.Cut(got, " "); found {
			got = after
		}
		if got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
