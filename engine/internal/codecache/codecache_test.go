//go:build unix

package codecache_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	. "github.com/sluicehttp/sluice/engine/internal/codecache"
)

var (
	key   = Key{1, 2, 3}
	label = Label{4, 5, 6}
	notes = []byte("notes on it")
)

func TestEntriesAreKept(t *testing.T) {
	dir := newDir(t)
	for _, size := range []int{0, 1, 100, 1 << 20} {
		content := noise(size)
		if err := open(t, dir, 0).Put(key, label, bytes.NewReader(content), notes); err != nil {
			t.Fatal(err)
		}
		checkEntry(t, open(t, dir, 0), key, content)
	}
}

func TestMissingEntry(t *testing.T) {
	if _, err := open(t, newDir(t), 0).Get(key); !errors.Is(err, ErrMissing) {
		t.Errorf("got error %v, want %v", err, ErrMissing)
	}
}

// TestDamageIsFound damages an entry and looks that it, and it alone, is removed.
func TestDamageIsFound(t *testing.T) {
	const footerSize = 16 + 32 + 32 + 8 + 8 + 4 + 4
	// in is the content of an entry, back a byte so far from its end.
	in := func(e []byte) []byte { return e[:len(e)-footerSize] }
	back := func(e []byte, from int) *byte { return &e[len(e)-from] }
	rewrite := func(change func(entry []byte) []byte) func(t *testing.T, file string) {
		return func(t *testing.T, file string) {
			entry, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			write(t, file, change(entry))
		}
	}
	instead := func(make func(file string) error) func(t *testing.T, file string) {
		return func(t *testing.T, file string) {
			if err := errors.Join(os.Remove(file), make(file)); err != nil {
				t.Fatal(err)
			}
		}
	}
	damages := map[string]struct {
		damage func(t *testing.T, file string)
		reason string
	}{
		"empty":       {rewrite(func([]byte) []byte { return nil }), "has 0 bytes, fewer than its footer"},
		"half":        {rewrite(func(e []byte) []byte { return e[:len(e)/2] }), "does not end as an entry"},
		"last byte":   {rewrite(func(e []byte) []byte { return e[:len(e)-1] }), "does not end as an entry"},
		"more":        {rewrite(func(e []byte) []byte { return append(e, 0) }), "does not end as an entry"},
		"first byte":  {rewrite(func(e []byte) []byte { return e[1:] }), "bytes before its footer, and should have"},
		"more before": {rewrite(func(e []byte) []byte { return append([]byte{0}, e...) }), "bytes before its footer, and should have"},
		"zeros":       {rewrite(func(e []byte) []byte { return make([]byte, len(e)) }), "does not end as an entry"},
		"text":        {rewrite(func([]byte) []byte { return []byte(strings.Repeat("text ", 99)) }), "does not end as an entry"},
		"magic":       {rewrite(func(e []byte) []byte { *back(e, footerSize) ^= 1; return e }), "does not end as an entry"},
		"label":       {rewrite(func(e []byte) []byte { *back(e, 50) ^= 1; return e }), "checksum of its footer"},
		"size":        {rewrite(func(e []byte) []byte { *back(e, 17) = 0xff; return e }), "checksum of its footer"},
		"last bit":    {rewrite(func(e []byte) []byte { *back(e, 1) ^= 0x80; return e }), "checksum of its footer"},
		"code":        {rewrite(func(e []byte) []byte { e[0] ^= 1; return e }), "checksum of its content"},
		"notes":       {rewrite(func(e []byte) []byte { *back(e, footerSize+1) ^= 0x80; return e }), "checksum of its content"},
		"no content":  {rewrite(func(e []byte) []byte { clear(in(e)); return e }), "checksum of its content"},
		"another's": {func(t *testing.T, file string) {
			other, err := os.ReadFile(filepath.Join(filepath.Dir(file), Key{9}.String()))
			if err != nil {
				t.Fatal(err)
			}
			write(t, file, other)
		}, "entry of another module"},
		"directory": {instead(func(file string) error { return os.MkdirAll(filepath.Join(file, "in"), 0o700) }), "is no file"},
		"link":      {instead(func(file string) error { return os.Symlink("/etc/passwd", file) }), "is no file"},
		"pipe":      {instead(func(file string) error { return syscall.Mkfifo(file, 0o600) }), "is no file"},
	}
	if os.Geteuid() != 0 { // who may read everything
		damages["unreadable"] = struct {
			damage func(t *testing.T, file string)
			reason string
		}{func(t *testing.T, file string) {
			if err := os.Chmod(file, 0); err != nil {
				t.Fatal(err)
			}
		}, "permission denied"}
	}
	for name, test := range damages {
		t.Run(name, func(t *testing.T) {
			dir := newDir(t)
			cache, content := open(t, dir, 0), noise(1000)
			put(t, cache, key, content)
			put(t, cache, Key{9}, content)
			test.damage(t, filepath.Join(dir, key.String()))

			_, err := cache.Get(key)
			damage := (*DamageError)(nil)
			if !errors.As(err, &damage) || damage.Name != key.String() || !strings.Contains(err.Error(), test.reason) {
				t.Fatalf("got error %v, want damage %q", err, test.reason)
			}
			if _, err := cache.Get(key); !errors.Is(err, ErrMissing) {
				t.Errorf("the entry was not removed: %v", err)
			}
			checkEntry(t, cache, Key{9}, content)
			put(t, cache, key, content)
			checkEntry(t, cache, key, content)
		})
	}
}

// FuzzEntry reads files that may be anything: what is taken for an entry was written as one.
func FuzzEntry(f *testing.F) {
	content := noise(64)
	dir := f.TempDir()
	cache, err := Open(filepath.Join(dir, "cache"), 0)
	if err != nil {
		f.Fatal(err)
	}
	if err := cache.Put(key, label, bytes.NewReader(content), notes); err != nil {
		f.Fatal(err)
	}
	file := filepath.Join(dir, "cache", key.String())
	entry, err := os.ReadFile(file)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(entry)
	f.Add(entry[:20])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, entry2 []byte) {
		write(t, file, entry2)
		got, err := cache.Get(key)
		if err == nil {
			defer got.Close()
		}
		switch damage := (*DamageError)(nil); {
		case err == nil && bytes.Equal(entry2, entry):
		case err == nil:
			t.Errorf("took %q for an entry, with label %x and notes %q", entry2, got.Label, got.Notes)
		case !errors.As(err, &damage):
			t.Error(err)
		}
	})
}

// TestFoundEntryStays takes entries away, or puts others in their place, while they are read.
func TestFoundEntryStays(t *testing.T) {
	cache, content := open(t, newDir(t), 0), noise(1000)
	for name, change := range map[string]func() error{
		"removed":  func() error { return cache.Remove(key) },
		"replaced": func() error { return cache.Put(key, label, bytes.NewReader(noise(50)), nil) },
	} {
		t.Run(name, func(t *testing.T) {
			put(t, cache, key, content)
			entry, err := cache.Get(key)
			if err != nil {
				t.Fatal(err)
			}
			if err := change(); err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(entry.Code()); err != nil || !bytes.Equal(got, content) {
				t.Errorf("the entry's code has changed (%v)", err)
			}
			if err := entry.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestFailedReaderLeavesNothing(t *testing.T) {
	dir := newDir(t)
	gone := errors.New("gone")
	err := open(t, dir, 0).Put(key, label, io.MultiReader(bytes.NewReader(noise(1000)), failingReader{gone}), nil)
	if !errors.Is(err, gone) {
		t.Errorf("got error %v, want that of the reader", err)
	}
	if files := names(t, dir); len(files) > 0 {
		t.Errorf("the cache holds %q", files)
	}
}

// TestManyAtOnce has several caches, as processes have them, work on few entries.
func TestManyAtOnce(t *testing.T) {
	dir := newDir(t)
	contents := map[Key][]byte{{1}: noise(100_000), {2}: noise(300_000), {3}: nil}
	var all sync.WaitGroup
	for range 8 {
		cache := open(t, dir, 350_000)
		all.Go(func() {
			for range 30 {
				for key, content := range contents {
					if err := cache.Put(key, label, bytes.NewReader(content), notes); err != nil {
						t.Error(err)
					}
					switch got, err := get(cache, key); {
					case errors.Is(err, ErrMissing): // another one made room
					case err != nil:
						t.Error(err)
					case !bytes.Equal(got, content):
						t.Errorf("%s: other content", key)
					}
				}
			}
		})
	}
	all.Wait()
	for _, name := range names(t, dir) {
		if strings.HasPrefix(name, "new-") {
			t.Errorf("%s is left", name)
		}
	}
}

func TestOldestEntriesMakeRoom(t *testing.T) {
	dir := newDir(t)
	cache := open(t, dir, 5000)
	write(t, filepath.Join(dir, "stranger"), noise(10_000))
	age := func(name string, age time.Duration) {
		then := time.Now().Add(-age)
		if err := os.Chtimes(filepath.Join(dir, name), then, then); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 4 {
		put(t, cache, Key{byte(i)}, noise(1000))
		age(Key{byte(i)}.String(), time.Duration(10-i)*time.Hour)
	}
	write(t, filepath.Join(dir, "new-abandoned"), noise(10))
	age("new-abandoned", 2*time.Hour)
	write(t, filepath.Join(dir, "new-growing"), noise(10))
	checkEntry(t, cache, Key{0}, nil) // used now
	put(t, cache, Key{4}, noise(1500))

	got := map[string]bool{}
	for _, name := range names(t, dir) {
		got[name] = true
	}
	for name, want := range map[string]bool{
		Key{0}.String(): true, Key{1}.String(): false, Key{2}.String(): true, Key{3}.String(): true, Key{4}.String(): true,
		"new-abandoned": false, "new-growing": true, "stranger": true,
	} {
		if got[name] != want {
			t.Errorf("%s is there: %v, want %v", name, got[name], want)
		}
	}
}

func TestDirectoryMustBePrivate(t *testing.T) {
	nobody := func(t *testing.T, dir string) {
		if os.Geteuid() != 0 {
			t.Skip("only root can give a directory away")
		}
		if err := os.Chown(dir, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	mode := func(mode os.FileMode) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.Chmod(dir, mode); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, test := range map[string]struct {
		dir, parent func(t *testing.T, dir string)
		want        string // empty: it is accepted
	}{
		"readable":            {dir: mode(0o755)},
		"group writes":        {dir: mode(0o770), want: "can be written by others (mode 0770)"},
		"all write":           {dir: mode(0o777), want: "can be written by others (mode 0777)"},
		"sticky":              {dir: mode(0o777 | os.ModeSticky), want: "can be written by others"},
		"another's":           {dir: nobody, want: "belongs to user 65534"},
		"in a public place":   {parent: mode(0o777), want: "take that right away with chmod go-w"},
		"in a sticky place":   {parent: mode(0o777 | os.ModeSticky)},
		"in another's place":  {parent: nobody, want: "who could replace the machine code"},
		"in a readable place": {parent: mode(0o755)},
	} {
		t.Run(name, func(t *testing.T) {
			parent := newDir(t)
			dir := filepath.Join(parent, "cache")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if test.dir != nil {
				test.dir(t, dir)
			}
			if test.parent != nil {
				test.parent(t, parent)
			}
			cache, err := Open(dir, 0)
			if err == nil {
				defer cache.Close()
			}
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Fatalf("got error %v, want %q", err, test.want)
			}
			if info, _ := os.Stat(dir); err == nil && info.Mode().Perm() != 0o700 {
				t.Errorf("mode %o, want 700", info.Mode().Perm())
			}
		})
	}
}

func TestLinkIsNoDirectory(t *testing.T) {
	parent := newDir(t)
	link := filepath.Join(parent, "link")
	if err := os.Symlink(newDir(t), link); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(link, 0); err == nil || !strings.Contains(err.Error(), "is no directory") {
		t.Errorf("got error %v", err)
	}
}

func BenchmarkGet(b *testing.B) {
	for _, size := range []int{100 << 10, 1 << 20, 8 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			cache, err := Open(filepath.Join(b.TempDir(), "cache"), 0)
			if err != nil {
				b.Fatal(err)
			}
			if err := cache.Put(key, label, bytes.NewReader(noise(size)), nil); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(size))
			for b.Loop() {
				entry, err := cache.Get(key)
				if err != nil {
					b.Fatal(err)
				}
				entry.Close()
			}
		})
	}
}

// newDir makes a directory that is private whatever the umask.
func newDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "dir")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func open(t *testing.T, dir string, size int64) *Cache {
	t.Helper()
	cache, err := Open(dir, size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cache.Close() })
	return cache
}

func put(t *testing.T, cache *Cache, key Key, content []byte) {
	t.Helper()
	if err := cache.Put(key, label, bytes.NewReader(content), notes); err != nil {
		t.Fatal(err)
	}
}

// checkEntry looks for an entry; nil stands for any content.
func checkEntry(t *testing.T, cache *Cache, key Key, content []byte) {
	t.Helper()
	entry, err := cache.Get(key)
	if err != nil {
		t.Fatal(err)
	}
	defer entry.Close()
	got, err := io.ReadAll(entry.Code())
	if err != nil || entry.Label != label || !bytes.Equal(entry.Notes, notes) || content != nil && !bytes.Equal(got, content) {
		t.Errorf("entry with label %x, notes %q and %d bytes, want %x, %q and %d bytes (%v)",
			entry.Label, entry.Notes, len(got), label, notes, len(content), err)
	}
}

// get reads an entry's code.
func get(cache *Cache, key Key) ([]byte, error) {
	entry, err := cache.Get(key)
	if err != nil {
		return nil, err
	}
	defer entry.Close()
	return io.ReadAll(entry.Code())
}

func write(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, dir string) (names []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		names = append(names, file.Name())
	}
	return names
}

func noise(size int) []byte {
	out, random := make([]byte, size), rand.New(rand.NewPCG(1, uint64(size)))
	for i := range out {
		out[i] = byte(random.Uint32())
	}
	return out
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }
