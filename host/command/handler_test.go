package command

import (
	"os"
	"path/filepath"
	"testing"
)

// A module beyond the limit is not read to its end.
func TestModuleTooLarge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large.wasm")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for size, want := range map[int64]string{
		maxModule + 1: "cannot read " + path + ": it is larger than 256 MiB; mend it",
		5:             "",
	} {
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
		module, err := readModule(path, "mend it")
		if got := errorText(err); got != want || err == nil && int64(len(module.Wasm)) != size {
			t.Errorf("%d bytes: got %d and %q, want %q", size, len(module.Wasm), got, want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
