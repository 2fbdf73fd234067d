package codecache

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// MakePrivate makes a directory that only the user may enter, or sees to it that one is such a directory. One that
// somebody else owns, or can write, is an error: it may hold anything. So is one whose parent lets others put another
// directory in its place.
func MakePrivate(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := checkParent(filepath.Dir(dir)); err != nil {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if err := checkPrivate(dir, info); err != nil {
		return err
	}
	if hasModes && info.Mode().Perm() != 0o700 {
		return os.Chmod(dir, 0o700) // others could only read
	}
	return nil
}

// checkPrivate says why a directory cannot be trusted.
func checkPrivate(dir string, info fs.FileInfo) error {
	switch owner, known := ownerOf(info); {
	case !info.IsDir():
		return fmt.Errorf("%s is no directory; remove it, or name another place", dir)
	case known && owner != os.Geteuid():
		return fmt.Errorf("%s belongs to user %d and not to this process's user %d, and what lies there is run as machine code; "+
			"remove it, or name another place", dir, owner, os.Geteuid())
	case hasModes && info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("%s can be written by others (mode %04o), and what lies there is run as machine code; "+
			"remove it, or name another place", dir, info.Mode().Perm())
	}
	return nil
}

// checkParent says why the directory that holds a private one cannot be trusted: who can write it can rename what it
// holds, unless it is sticky, as directories for temporary files are.
func checkParent(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	owner, known := ownerOf(info)
	switch {
	case known && owner != os.Geteuid() && owner != 0:
		return fmt.Errorf("%s belongs to user %d and not to this process's user %d, who could replace the machine code in it; "+
			"name another place", dir, owner, os.Geteuid())
	case hasModes && info.Mode().Perm()&0o022 != 0 && info.Mode()&fs.ModeSticky == 0:
		return fmt.Errorf("%s can be written by others (mode %04o), who could replace the machine code in it; "+
			"take that right away with chmod go-w, or name another place", dir, info.Mode().Perm())
	}
	return nil
}
