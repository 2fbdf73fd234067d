package wasmruntime_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	. "github.com/sluicehttp/sluice/engine/internal/wasmruntime"
)

// TestLinkLeadsToOpenFile reads a file that has no name any more, and whose name another one has.
func TestLinkLeadsToOpenFile(t *testing.T) {
	name, path := filepath.Join(t.TempDir(), "file"), filepath.Join(t.TempDir(), "link")
	if err := os.WriteFile(name, []byte("this one"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := errors.Join(os.Remove(name), os.WriteFile(name, []byte("another"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := Link(file, path); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "this one" {
		t.Errorf("the link leads to %q (%v)", got, err)
	}
	if err := Link(file, path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got error %v where there is a file, want %v", err, fs.ErrExist)
	}
}

// TestLinkToNothingIsNoLink closes the file before.
func TestLinkToNothingIsNoLink(t *testing.T) {
	name, path := filepath.Join(t.TempDir(), "file"), filepath.Join(t.TempDir(), "link")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
	if err := Link(file, path); err == nil {
		t.Error("a closed file was linked to")
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the link was left: %v", err)
	}
}
