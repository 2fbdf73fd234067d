package wasmruntime

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tetratelabs/wazero"
)

// cache keeps compiled modules in files.
type cache struct {
	dir    string
	wazero wazero.CompilationCache
}

// openCache uses a directory of its own in the configured one, which only the user may enter: what lies there is run as
// machine code. Its name holds wazero's version because wazero itself does not always know it.
func openCache(parent string) (*cache, error) {
	dir := filepath.Join(parent, "wazero-"+WazeroVersion)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, err
	}
	files, err := wazero.NewCompilationCacheWithDir(dir)
	if err != nil {
		return nil, err
	}
	return &cache{dir: dir, wazero: files}, nil
}

// clear deletes every entry. wazero does not say which file belongs to which module, so one that cannot be read takes the
// others with it; they are compiled again when they are needed.
func (c *cache) clear() error {
	return filepath.WalkDir(c.dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			err = os.Remove(path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // another process was faster
		}
		return err
	})
}
