package wasmruntime

import (
	"errors"
	"fmt"
	"os"
)

// link makes a path lead to an open file, whatever becomes of the file's own name. It fails where the system does not show
// what this process has open.
var link = func(file *os.File, path string) error {
	if err := os.Symlink(fmt.Sprintf("/proc/self/fd/%d", file.Fd()), path); err != nil {
		return err
	}
	found, err := os.Stat(path)
	if err == nil {
		var want os.FileInfo
		if want, err = file.Stat(); err == nil && os.SameFile(found, want) {
			return nil
		}
	}
	return errors.Join(errNoLink, err, os.Remove(path))
}
