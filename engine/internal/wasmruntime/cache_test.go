package wasmruntime_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/sluicehttp/sluice/engine/internal/codecache"
	. "github.com/sluicehttp/sluice/engine/internal/wasmruntime"
	"github.com/sluicehttp/sluice/engine/internal/wasmtest"
)

// eachWay runs a test with modules compiled in this process and in one of their own.
func eachWay(t *testing.T, test func(t *testing.T, config Config)) {
	t.Run("here", func(t *testing.T) { test(t, Config{}) })
	t.Run("apart", func(t *testing.T) { test(t, Config{Compiler: self("compile")}) })
}

func TestCacheIsPrivate(t *testing.T) {
	dir := cacheDir(t)
	newRuntime(t, Config{CacheDir: dir})
	info, err := os.Stat(entries(dir))
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o700 {
		t.Errorf("mode %o, want 700", got)
	}
}

func TestUnusableCacheIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(t.Context(), Config{CacheDir: file}); err == nil {
		t.Error("a file was taken for a directory")
	}
	open := cacheDir(t)
	if err := errors.Join(os.Mkdir(entries(open), 0o700), os.Chmod(entries(open), 0o777)); err != nil {
		t.Fatal(err)
	}
	_, err := New(t.Context(), Config{CacheDir: open})
	if err == nil || !strings.Contains(err.Error(), "can be written by others") {
		t.Errorf("got error %v, want that others can write", err)
	}
}

func TestCacheIsUsed(t *testing.T) {
	eachWay(t, func(t *testing.T, config Config) {
		config.CacheDir = cacheDir(t)
		checkAddOne(t, newRuntime(t, config), addOne())
		onlyEntry(t, config.CacheDir)

		// Nothing can compile the module now, so it was not compiled.
		config.Compiler = Compiler{Program: []string{"/no/such/program"}}
		log := &bytes.Buffer{}
		config.Log = slog.New(slog.NewTextHandler(log, nil))
		checkAddOne(t, newRuntime(t, config), addOne())
		if log.Len() > 0 {
			t.Errorf("the log holds %s", log)
		}
	})
}

// TestCacheIsUsedWithoutLinks takes modules from the cache where they have to be copied.
func TestCacheIsUsedWithoutLinks(t *testing.T) {
	defer ForbidLinks()()
	TestCacheIsUsed(t)
}

// TestSourceIsMadeOnce takes a module from the cache, and only from there, with what was noted of it.
func TestSourceIsMadeOnce(t *testing.T) {
	eachWay(t, func(t *testing.T, config Config) {
		config.CacheDir = cacheDir(t)
		made := 0
		source := Source{
			Sum:    [32]byte{1},
			Make:   func() ([]byte, []byte, error) { made++; return addOne(), []byte("a note"), nil },
			Recall: func([]byte) error { return errors.New("there is nothing to recall") },
		}
		compileSource(t, newRuntime(t, config), source)
		_, first := onlyEntry(t, config.CacheDir)

		source.Recall = func(notes []byte) error {
			if string(notes) != "a note" {
				t.Errorf("the notes are %q", notes)
			}
			return nil
		}
		compileSource(t, newRuntime(t, config), source)
		if made != 1 {
			t.Errorf("made %d times, want once", made)
		}

		// What cannot be recalled is made again.
		log := &bytes.Buffer{}
		config.Log = slog.New(slog.NewTextHandler(log, nil))
		source.Recall = func([]byte) error { return errors.New("unreadable") }
		compileSource(t, newRuntime(t, config), source)
		if got := strings.Count(log.String(), "is made anew"); made != 2 || got != 1 {
			t.Errorf("made %d times, want twice, and the log holds %s", made, log)
		}
		if _, now := onlyEntry(t, config.CacheDir); !bytes.Equal(now, first) {
			t.Error("the entry is another")
		}
	})
}

// TestSourceThatCannotBeMade is nothing that the cache or the compiler is to blame for.
func TestSourceThatCannotBeMade(t *testing.T) {
	eachWay(t, func(t *testing.T, config Config) {
		config.CacheDir = cacheDir(t)
		log := &bytes.Buffer{}
		config.Log = slog.New(slog.NewTextHandler(log, nil))
		bad := errors.New("bad")
		_, err := newRuntime(t, config).CompileSource(t.Context(), Source{
			Make: func() ([]byte, []byte, error) { return nil, nil, bad },
		})
		if !errors.Is(err, bad) || log.Len() > 0 {
			t.Errorf("got error %v, want %v, and the log holds %s", err, bad, log)
		}
		checkFiles(t, entries(config.CacheDir), 0)
	})
}

// TestSourcesOfOneModule loads a module from two entries at the same time: wazero has one name for both.
func TestSourcesOfOneModule(t *testing.T) {
	config := Config{CacheDir: cacheDir(t)}
	source := func(sum byte) Source {
		return Source{
			Sum:    [32]byte{sum},
			Make:   func() ([]byte, []byte, error) { return addOne(), nil, nil },
			Recall: func([]byte) error { return nil },
		}
	}
	log := &bytes.Buffer{}
	config.Log = slog.New(slog.NewTextHandler(log, nil))
	r := newRuntime(t, config)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 50 {
				compiled, err := r.CompileSource(t.Context(), source(byte(i%2)))
				if err != nil {
					t.Error(err)
					return
				}
				compiled.Close(t.Context())
			}
		})
	}
	all.Wait()
	if log.Len() > 0 {
		t.Errorf("the log holds %s", log)
	}
}

func compileSource(t *testing.T, r *Runtime, source Source) {
	t.Helper()
	compiled, err := r.CompileSource(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	if len(compiled.ExportedFunctions()) == 0 {
		t.Error("another module was compiled")
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	temporary := t.TempDir()
	defer SetPlaces(temporary)()
	eachWay(t, func(t *testing.T, config Config) {
		config.CacheDir = cacheDir(t)
		r := newRuntime(t, config)
		checkAddOne(t, r, addOne())
		if _, err := r.Compile(t.Context(), []byte(wasmtest.Header+"\xff")); err == nil {
			t.Error("compiled")
		}
		// All that there is now is the workspace, and in it the folder that wazero reads.
		if left, err := filepath.Glob(filepath.Join(temporary, "*", "*")); len(left) != 1 || err != nil {
			t.Errorf("left %q (%v)", left, err)
		}
		if err := r.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if left, err := os.ReadDir(temporary); len(left) > 0 || err != nil {
			t.Errorf("left %v (%v)", left, err)
		}
	})
}

// TestDamagedEntryIsReplaced damages one entry and looks that the other stays, and that the log has a line. What is damaged
// so that it has a right checksum looks like the work of another wazero, or of another processor.
func TestDamagedEntryIsReplaced(t *testing.T) {
	rewrite := func(change func(entry []byte) []byte) func(file string) error {
		return func(file string) error {
			entry, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			return os.WriteFile(file, change(entry), 0o600)
		}
	}
	damages := map[string]func(file string) error{
		"empty":         rewrite(func([]byte) []byte { return nil }),
		"cut short":     rewrite(func(entry []byte) []byte { return entry[:len(entry)/2] }),
		"other":         rewrite(func(entry []byte) []byte { return []byte(strings.Repeat("text ", len(entry))) }),
		"byte":          rewrite(func(entry []byte) []byte { entry[len(entry)/2] ^= 0xff; return entry }),
		"directory":     func(file string) error { return errors.Join(os.Remove(file), os.Mkdir(file, 0o700)) },
		"link":          func(file string) error { return errors.Join(os.Rename(file, file+".x"), os.Symlink(file+".x", file)) },
		"nothing in it": rewrite(func(entry []byte) []byte { return forge(t, entry, nil, notesOf(entry)) }),
		"another wazero": rewrite(func(entry []byte) []byte {
			code := bytes.Clone(codeOf(entry))
			code[7]++
			return forge(t, entry, code, notesOf(entry))
		}),
		"countless functions": rewrite(func(entry []byte) []byte {
			code := bytes.Clone(codeOf(entry))
			size := int(code[6]) // of the version; the number of functions follows
			return forge(t, entry, append(code[:7+size], 0xff, 0xff, 0, 0), notesOf(entry))
		}),
		"another processor": rewrite(func(entry []byte) []byte {
			entry = bytes.Clone(entry)
			entry[len(entry)-entryFooter+48]++ // in the label, which is the name that wazero gives the file
			return forge(t, entry, codeOf(entry), notesOf(entry))
		}),
		"no outline": rewrite(func(entry []byte) []byte { return forge(t, entry, codeOf(entry), nil) }),
		"half an outline": rewrite(func(entry []byte) []byte {
			notes := notesOf(entry)
			return forge(t, entry, codeOf(entry), notes[:len(notes)/2])
		}),
		"endless outline": rewrite(func(entry []byte) []byte {
			return forge(t, entry, codeOf(entry), bytes.Repeat([]byte{0xff}, 20))
		}),
		"another outline": rewrite(func(entry []byte) []byte {
			outline := Outline(hello())
			return forge(t, entry, codeOf(entry), append(binary.AppendUvarint(nil, uint64(len(outline))), outline...))
		}),
	}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			eachWay(t, func(t *testing.T, config Config) {
				config.CacheDir = cacheDir(t)
				checkAddOne(t, newRuntime(t, config), addOne())
				file, intact := onlyEntry(t, config.CacheDir)
				if err := damage(file); err != nil {
					t.Fatal(err)
				}
				other := hello()
				compile(t, newRuntime(t, config), other)

				log := &bytes.Buffer{}
				config.Log = slog.New(slog.NewTextHandler(log, nil))
				r := newRuntime(t, config)
				checkAddOne(t, r, addOne())
				compile(t, r, other)
				if got := strings.Count(log.String(), "\n"); got != 1 || !strings.Contains(log.String(), "is made anew") {
					t.Errorf("the log holds %s", log)
				}
				now, err := os.ReadFile(file)
				if err != nil || !bytes.Equal(now, intact) {
					t.Errorf("the entry was not written anew: %v", err)
				}
			})
		})
	}
}

// entryFooter is the length of what ends an entry.
const entryFooter = 104

// codeOf is the machine code in an entry, and notesOf what lies behind it.
func codeOf(entry []byte) []byte { return entry[:codeSize(entry)] }

func notesOf(entry []byte) []byte { return entry[codeSize(entry) : len(entry)-entryFooter] }

func codeSize(entry []byte) uint64 {
	return binary.LittleEndian.Uint64(entry[len(entry)-entryFooter+80:])
}

// forge makes an entry of another's key and label with other content and right checksums.
func forge(t *testing.T, entry, code, notes []byte) []byte {
	t.Helper()
	dir := cacheDir(t)
	cache, err := codecache.Open(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer cache.Close()
	footer := entry[len(entry)-entryFooter:]
	key, label := codecache.Key(footer[16:48]), codecache.Label(footer[48:80])
	if err := cache.Put(key, label, bytes.NewReader(code), notes); err != nil {
		t.Fatal(err)
	}
	forged, err := os.ReadFile(filepath.Join(dir, key.String()))
	if err != nil {
		t.Fatal(err)
	}
	return forged
}

// TestLostCacheIsNoProblem takes the cache away while it is in use.
func TestLostCacheIsNoProblem(t *testing.T) {
	eachWay(t, func(t *testing.T, config Config) {
		config.CacheDir = cacheDir(t)
		log := &bytes.Buffer{}
		config.Log = slog.New(slog.NewTextHandler(log, nil))
		r := newRuntime(t, config)
		if err := os.RemoveAll(config.CacheDir); err != nil {
			t.Fatal(err)
		}
		checkAddOne(t, r, addOne())
		compile(t, r, hello())
		if got := strings.Count(log.String(), "cannot be kept"); got != 1 {
			t.Errorf("the log says %d times that nothing is kept: %s", got, log)
		}
	})
}

// TestLostWorkspaceIsMadeAgain does what programs do that clear directories of temporary files.
func TestLostWorkspaceIsMadeAgain(t *testing.T) {
	temporary := t.TempDir()
	defer SetPlaces(temporary)()
	eachWay(t, func(t *testing.T, config Config) {
		config.CacheDir = cacheDir(t)
		r := newRuntime(t, config)
		found, err := filepath.Glob(filepath.Join(temporary, "*"))
		if err != nil || len(found) != 1 {
			t.Fatalf("the workspace is one of %q (%v)", found, err)
		}
		if err := os.RemoveAll(found[0]); err != nil {
			t.Fatal(err)
		}
		checkAddOne(t, r, addOne())
		onlyEntry(t, config.CacheDir)
	})
}

// TestStolenWorkspaceIsNotUsed has somebody else make it again.
func TestStolenWorkspaceIsNotUsed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a directory away")
	}
	temporary := t.TempDir()
	defer SetPlaces(temporary)()
	r := newRuntime(t, Config{Compiler: self("compile")})
	found, err := filepath.Glob(filepath.Join(temporary, "*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("the workspace is one of %q (%v)", found, err)
	}
	if err := os.Chown(found[0], 65534, 65534); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Compile(t.Context(), addOne()); err == nil || !strings.Contains(err.Error(), "belongs to user 65534") {
		t.Errorf("got error %v, want that it belongs to another", err)
	}
}

// TestCacheIsShared has processes fill one cache at the same time.
func TestCacheIsShared(t *testing.T) {
	dir := cacheDir(t)
	var all []*process
	for range 4 {
		all = append(all, start(t, "fill", dir))
	}
	for _, p := range all {
		if got := p.wait(t); got != "filled\n" {
			t.Errorf("a process ended with %q", got)
		}
	}
	checkFiles(t, entries(dir), 2)
	log := &bytes.Buffer{}
	r := newRuntime(t, Config{CacheDir: dir, Compiler: Compiler{Program: []string{"/no/such/program"}},
		Log: slog.New(slog.NewTextHandler(log, nil))})
	checkAddOne(t, r, addOne())
	compile(t, r, hello())
	if log.Len() > 0 {
		t.Errorf("the log holds %s", log)
	}
}

// fill is one of these processes.
func fill(dir string) error {
	for range 3 {
		r, err := New(background, Config{CacheDir: dir, Compiler: self("compile")})
		if err != nil {
			return err
		}
		for _, wasm := range [][]byte{addOne(), hello()} {
			if _, err := r.Compile(background, wasm); err != nil {
				return err
			}
		}
		if err := r.Close(background); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkCompileCached finds a module of 100 KB in the cache, in a runtime that is new each time.
func BenchmarkCompileCached(b *testing.B) {
	wasm := straight(100 << 10)
	config := Config{CacheDir: filepath.Join(b.TempDir(), "cache"), Compiler: self("compile")}
	for b.Loop() {
		b.StopTimer()
		r, err := New(b.Context(), config)
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if _, err := r.Compile(b.Context(), wasm); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		r.Close(b.Context())
		b.StartTimer()
	}
}

// BenchmarkNew makes runtimes that have modules compiled apart.
func BenchmarkNew(b *testing.B) {
	config := Config{CacheDir: filepath.Join(b.TempDir(), "cache"), Compiler: self("compile")}
	for b.Loop() {
		r, err := New(b.Context(), config)
		if err != nil {
			b.Fatal(err)
		}
		r.Close(b.Context())
	}
}

func BenchmarkCompileApart(b *testing.B) {
	r, err := New(b.Context(), Config{Compiler: self("compile")})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close(b.Context())
	for b.Loop() {
		compiled, err := r.Compile(b.Context(), addOne())
		if err != nil {
			b.Fatal(err)
		}
		compiled.Close(b.Context())
	}
}

// cacheDir makes a directory that others cannot write, whatever the umask.
func cacheDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "cache")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// entries is where a cache keeps its entries.
func entries(dir string) string { return filepath.Join(dir, "wazero-"+WazeroVersion) }

// onlyEntry finds and reads the one file in a cache.
func onlyEntry(t *testing.T, dir string) (name string, content []byte) {
	t.Helper()
	files := checkFiles(t, entries(dir), 1)
	content, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	return files[0], content
}

// checkFiles counts the files below a directory.
func checkFiles(t *testing.T, dir string, want int) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) != want {
		t.Fatalf("%s holds %q, want %d files (%v)", dir, files, want, err)
	}
	return files
}

// hello is another module.
func hello() []byte { return wasmtest.Hello().Encode() }
