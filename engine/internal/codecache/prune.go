package codecache

import (
	"encoding/hex"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// prune removes the entries that were not used for the longest time until the others take no more room than they may, and
// what writers left behind that were ended. Other processes may remove the same files.
func (c *Cache) prune() error {
	entries, total, err := c.list()
	if err != nil || total <= c.size {
		return err
	}
	slices.SortFunc(entries, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, entry := range entries {
		if total <= c.size {
			break
		}
		_ = c.root.Remove(entry.Name())
		total -= entry.Size()
	}
	return nil
}

// list finds the entries and their total size in bytes. Files of other names are not its business.
func (c *Cache) list() (entries []fs.FileInfo, total int64, err error) {
	files, err := fs.ReadDir(c.root.FS(), ".")
	if err != nil {
		return nil, 0, err
	}
	for _, file := range files {
		info, err := file.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		switch {
		case isEntry(file.Name()):
			entries = append(entries, info)
			total += info.Size()
		case strings.HasPrefix(file.Name(), unfinished) && time.Since(info.ModTime()) > abandoned:
			_ = c.root.Remove(file.Name())
		}
	}
	return entries, total, nil
}

// isEntry reports whether a file has the name of an entry.
func isEntry(name string) bool {
	key, err := hex.DecodeString(name)
	return err == nil && len(key) == len(Key{})
}
