package command

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// await waits for a change to be told, which must not come before it is done.
func (w *watcher) await(t *testing.T, since time.Time) {
	t.Helper()
	select {
	case <-w.changed:
		if passed := time.Since(since); passed < quiet/2 {
			t.Errorf("the change was told after %v, before the files were quiet", passed)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the change was not told")
	}
}

func (w *watcher) expectNothing(t *testing.T) {
	t.Helper()
	select {
	case <-w.changed:
		t.Error("a change was told where there is none")
	case <-time.After(4 * quiet):
	}
}

// Files are written, replaced, removed, made and linked to elsewhere, in folders that may be replaced themselves.
func TestWatch(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	path := func(name string) string { return filepath.Join(folder, name) }
	do(os.Mkdir(path("build"), 0o700))
	do(os.Mkdir(path("one"), 0o700))
	do(os.Mkdir(path("two"), 0o700))
	write("a.wasm", "a")
	write("build/b.wasm", "b")
	write("one/c.wasm", "c")
	write("two/c.wasm", "c")
	do(os.Symlink("one", path("link")))

	w, err := newWatcher(fileList{path("a.wasm"), path("build/b.wasm"), path("link/c.wasm")}, "", slog.New(slog.DiscardHandler))
	do(err)
	defer w.close()
	w.expectNothing(t)

	for _, step := range []struct {
		name string
		do   func()
	}{
		{"written", func() { write("a.wasm", "changed") }},
		{"written in several steps", func() {
			for range 5 {
				write("a.wasm", time.Now().String())
				time.Sleep(quiet / 4)
			}
		}},
		{"replaced", func() { write("a.new", "A"); do(os.Rename(path("a.new"), path("a.wasm"))) }},
		{"removed", func() { do(os.Remove(path("a.wasm"))) }},
		{"made", func() { write("a.wasm", "a") }},
		{"link changed", func() { do(os.Symlink("two", path("link2"))); do(os.Rename(path("link2"), path("link"))) }},
		{"folder removed", func() { do(os.RemoveAll(path("build"))) }},
		{"folder made", func() { do(os.Mkdir(path("build"), 0o700)); write("build/b.wasm", "b") }},
		{"written in the new folder", func() { write("build/b.wasm", "bb") }},
	} {
		t.Run(step.name, func(t *testing.T) {
			step.do()
			w.await(t, time.Now())
			w.expectNothing(t)
		})
	}

	write("other", "is not watched")
	w.expectNothing(t)
	w.watch(fileList{path("a.wasm"), path("other")})
	write("build/b.wasm", "is not watched any more")
	w.expectNothing(t)
	write("other", "is watched now")
	w.await(t, time.Now())
}

// The folder of what is to be watched has to be there at first.
func TestWatchNothing(t *testing.T) {
	_, err := newWatcher(fileList{"/nowhere/a.wasm"}, "leave out --watch", slog.New(slog.DiscardHandler))
	if want := "cannot watch /nowhere: no such file or directory; leave out --watch"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
