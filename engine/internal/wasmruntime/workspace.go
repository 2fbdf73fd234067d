package wasmruntime

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/sluicehttp/sluice/engine/internal/codecache"
)

// workspace is a private directory of temporary files, through which machine code comes to wazero: wazero reads it from
// files of its own naming, and from nowhere else. Each file is there for as long as that takes.
type workspace struct {
	dir string
	// version is the folder in dir that wazero looks into. It names wazero's version, as far as wazero knows it, and the
	// platform.
	version string
	files   wazero.CompilationCache
	locks   [64]sync.Mutex
}

// code is a file with machine code.
type code struct {
	path  string
	label codecache.Label // what wazero names the file
}

// The names of workspaces, and the age from which on one belongs to a process that was killed. A process that lives longer
// makes its own again when it needs it.
const (
	workspacePattern = "sluice-work-"
	workspaceAge     = 24 * time.Hour
)

// newWorkspace makes a workspace in the best place that there is; other is one to fall back upon, or empty.
func newWorkspace(other string) (*workspace, error) {
	var errs []error
	for _, parent := range append(places(), other) {
		if parent == "" {
			continue
		}
		w, err := openWorkspace(parent)
		if err == nil {
			return w, nil
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("no place for temporary files: %w; name a directory in TMPDIR", errors.Join(errs...))
}

// places are the directories for workspaces, the best first.
var places = func() []string { return append(fastPlaces(), os.TempDir()) }

func openWorkspace(parent string) (*workspace, error) {
	sweep(parent)
	dir, err := os.MkdirTemp(parent, workspacePattern)
	if err != nil {
		return nil, err
	}
	w := &workspace{dir: dir}
	if w.files, err = wazero.NewCompilationCacheWithDir(dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if w.version, err = onlyFolder(dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err = codecache.MakePrivate(dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return w, nil
}

// sweep removes what processes left behind that were killed.
func sweep(parent string) {
	found, _ := filepath.Glob(filepath.Join(parent, workspacePattern+"*"))
	for _, dir := range found {
		info, err := os.Lstat(dir)
		if err == nil && info.IsDir() && time.Since(info.ModTime()) > workspaceAge {
			_ = os.RemoveAll(dir) // of another user's the system does not let us
		}
	}
}

// onlyFolder finds the one folder that wazero makes in a directory.
func onlyFolder(dir string) (string, error) {
	found, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	if len(found) != 1 || !found[0].IsDir() {
		return "", fmt.Errorf("wazero should have made a folder in %s, and there are %d files", dir, len(found))
	}
	return found[0].Name(), nil
}

func (w *workspace) close(ctx context.Context) error {
	return errors.Join(w.files.Close(ctx), os.RemoveAll(w.dir))
}

// lock keeps others from the files of a module until the function that it returns is called. A file is placed, read and
// removed in milliseconds; who has to wait for an unrelated module hardly notices.
func (w *workspace) lock(key codecache.Key) (unlock func()) {
	mutex := &w.locks[int(key[0])%len(w.locks)]
	mutex.Lock()
	return mutex.Unlock
}

// ensure makes the workspace again when it was removed, as programs do that clear directories of temporary files. Whoever
// was quicker and made it in our place is found out.
func (w *workspace) ensure() error {
	if err := codecache.MakePrivate(w.dir); err != nil {
		return err
	}
	return os.MkdirAll(filepath.Join(w.dir, w.version), 0o700)
}

// newDir makes a directory for a compiler to leave machine code in.
func (w *workspace) newDir() (string, error) {
	if err := w.ensure(); err != nil {
		return "", err
	}
	return os.MkdirTemp(w.dir, "made-")
}

// newFile makes a file for machine code.
func (w *workspace) newFile() (*os.File, error) {
	if err := w.ensure(); err != nil {
		return nil, err
	}
	return os.CreateTemp(w.dir, "code-")
}

// find finds the machine code that a compiler has left in a directory.
func (w *workspace) find(dir string) (code, error) {
	version, err := onlyFolder(dir)
	if err != nil {
		return code{}, err
	}
	if version != w.version {
		return code{}, fmt.Errorf("the compiler is built with another wazero: it made %s, and this program runs %s",
			version, w.version)
	}
	found, err := os.ReadDir(filepath.Join(dir, version))
	if err != nil {
		return code{}, err
	}
	if len(found) != 1 || !found[0].Type().IsRegular() {
		return code{}, fmt.Errorf("the compiler has left %d files and should have left one", len(found))
	}
	name := found[0].Name()
	c := code{path: filepath.Join(dir, version, name)}
	if label, err := hex.DecodeString(name); err != nil || copy(c.label[:], label) != len(c.label) {
		return code{}, fmt.Errorf("the compiler has left a file named %q, which names no module", name)
	}
	return c, nil
}

// place moves machine code to where wazero looks for it.
func (w *workspace) place(c code) (path string, err error) {
	if err := w.ensure(); err != nil {
		return "", err
	}
	path = filepath.Join(w.dir, w.version, hex.EncodeToString(c.label[:]))
	err = os.Rename(c.path, path)
	if errors.Is(err, fs.ErrExist) { // not over a directory
		err = errors.Join(os.RemoveAll(path), os.Rename(c.path, path))
	}
	return path, err
}
