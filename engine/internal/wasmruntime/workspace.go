package wasmruntime

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
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

// code is machine code that wazero is to read.
type code interface {
	// label is what wazero names the file.
	label() codecache.Label
	// place makes the code readable under a path.
	place(path string) error
}

// madeCode is a file that a compiler has left. Placing it moves it.
type madeCode struct {
	path string
	name codecache.Label
}

func (c madeCode) label() codecache.Label { return c.name }

func (c madeCode) place(path string) error { return os.Rename(c.path, path) }

// keptCode is an entry of the cache. It is read where it lies, or copied where a link cannot lead there.
type keptCode struct{ *codecache.Entry }

func (c keptCode) label() codecache.Label { return c.Label }

func (c keptCode) place(path string) error {
	err := link(c.File, path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, c.Code())
	return errors.Join(err, file.Close())
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

// lock keeps others from the file of a module until the function that it returns is called. A file is placed, read and
// removed in milliseconds; who has to wait for an unrelated module hardly notices.
func (w *workspace) lock(label codecache.Label) (unlock func()) {
	mutex := &w.locks[int(label[0])%len(w.locks)]
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

// find finds the machine code that a compiler has left in a directory, and what wazero calls it.
func (w *workspace) find(dir string) (c madeCode, err error) {
	if c.path, err = w.findFile(filepath.Join(dir, codeFolder)); err != nil {
		return c, err
	}
	named, err := w.findFile(filepath.Join(dir, nameFolder))
	if err != nil {
		return c, err
	}
	name := filepath.Base(named)
	if label, err := hex.DecodeString(name); err != nil || copy(c.name[:], label) != len(c.name) {
		return c, fmt.Errorf("the compiler has left a file named %q, which names no module", name)
	}
	return c, nil
}

// findFile finds the one file that wazero has left in a directory.
func (w *workspace) findFile(dir string) (string, error) {
	version, err := onlyFolder(dir)
	if err != nil {
		return "", err
	}
	if version != w.version {
		return "", fmt.Errorf("the compiler is built with another wazero: it made %s, and this program runs %s",
			version, w.version)
	}
	found, err := os.ReadDir(filepath.Join(dir, version))
	if err != nil {
		return "", err
	}
	if len(found) != 1 || !found[0].Type().IsRegular() {
		return "", fmt.Errorf("the compiler has left %d files and should have left one", len(found))
	}
	return filepath.Join(dir, version, found[0].Name()), nil
}

// place puts machine code where wazero looks for it. What a process that was killed has left there makes room.
func (w *workspace) place(c code) (path string, err error) {
	if err := w.ensure(); err != nil {
		return "", err
	}
	label := c.label()
	path = filepath.Join(w.dir, w.version, hex.EncodeToString(label[:]))
	err = c.place(path)
	if errors.Is(err, fs.ErrExist) { // a link, or a file over a directory
		err = errors.Join(os.RemoveAll(path), c.place(path))
	}
	return path, err
}

// errNoLink says that the code has to be copied.
var errNoLink = errors.New("no path leads to an open file")
