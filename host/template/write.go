package template

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// Write puts files into a new folder, or into one that is there and empty. Either all of them are there in the end or none.
func Write(folder string, files map[string][]byte) (err error) {
	exists, err := checkEmpty(folder)
	if err != nil {
		return err
	}
	// They are written beside their place, where a rename reaches it; in a folder that is there, into it.
	around := filepath.Dir(folder)
	if exists {
		around = folder
	}
	if err := os.MkdirAll(around, 0o777); err != nil {
		return err
	}
	hidden, err := os.MkdirTemp(around, ".new-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(hidden)) }()
	made := filepath.Join(hidden, "project") // with the permissions that the user gives to folders
	if err := writeAll(made, files); err != nil {
		return err
	}
	if exists {
		return moveInto(folder, made)
	}
	return os.Rename(made, folder)
}

// checkEmpty refuses a folder that holds something, and what is no folder.
func checkEmpty(folder string) (exists bool, err error) {
	entries, err := os.ReadDir(folder)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case len(entries) > 0:
		return false, errors.New("it is not empty; choose another name, or remove what is in it")
	}
	return true, nil
}

func writeAll(folder string, files map[string][]byte) error {
	for _, file := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(folder, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(path, files[file], 0o666); err != nil {
			return err
		}
	}
	return nil
}

// moveInto moves what is in one folder into another. When something cannot be moved, what was moved is removed.
func moveInto(folder, from string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for i, entry := range entries {
		if err := os.Rename(filepath.Join(from, entry.Name()), filepath.Join(folder, entry.Name())); err != nil {
			for _, moved := range entries[:i] {
				err = errors.Join(err, os.RemoveAll(filepath.Join(folder, moved.Name())))
			}
			return err
		}
	}
	return nil
}
