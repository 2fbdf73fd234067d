package command

import (
	"crypto/sha256"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	// maxSources is how many files are watched at most. So many are no sources any more.
	maxSources = 20_000
	// maxSource is the size of the largest file whose content is compared, in bytes. A larger one counts as another each time
	// that it is written.
	maxSource = 16 << 20
)

// sourceTree is what `sluice dev` watches: files, and folders with everything in them but what tools leave there.
type sourceTree struct {
	// roots are those that [build] names, and the configuration file.
	roots []string
	// outputs are the files that a build makes.
	outputs map[string]bool
}

// newSourceTree is the tree of a configuration.
func newSourceTree(s *settings) *sourceTree {
	t := &sourceTree{roots: append([]string{s.files[0]}, s.build.watch...), outputs: map[string]bool{}}
	for _, file := range s.files[1:] {
		t.outputs[filepath.Clean(file)] = true
	}
	return t
}

// folders are all that there are. In place of a root that is missing stands the folder where it, or a folder on the way to it,
// would be made.
func (t *sourceTree) folders() (folders []string) {
	for _, root := range t.roots {
		folders = append(folders, existingFolder(filepath.Dir(filepath.Clean(root))))
	}
	t.walk(func(path string, entry fs.DirEntry) {
		if entry.IsDir() {
			folders = append(folders, path)
		}
	})
	return folders
}

// existingFolder is a folder or the nearest one above it that is there.
func existingFolder(path string) string {
	for {
		info, err := os.Stat(path)
		above := filepath.Dir(path)
		if err == nil && info.IsDir() || above == path {
			return path
		}
		path = above
	}
}

func (t *sourceTree) look() look {
	now := look{}
	t.walk(func(path string, entry fs.DirEntry) {
		if entry.IsDir() {
			return
		}
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			now[path] = info
		}
	})
	return now
}

// walk visits folders and files, as many as are watched at most.
func (t *sourceTree) walk(visit func(path string, entry fs.DirEntry)) {
	left := maxSources
	for _, root := range t.roots {
		root = filepath.Clean(root)
		_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil: // it has gone, or cannot be read
				return nil
			case path != root && t.ignores(path, entry):
				if entry.IsDir() {
					return fs.SkipDir
				}
				return nil
			case left == 0:
				return fs.SkipAll
			}
			left--
			visit(path, entry)
			return nil
		})
	}
}

// ignores reports whether something in a watched folder is no source: what a build makes, what tools and editors leave
// there, and what is hidden.
func (t *sourceTree) ignores(path string, entry fs.DirEntry) bool {
	name := entry.Name()
	switch {
	case strings.HasPrefix(name, "."), t.outputs[path]:
		return true
	case entry.IsDir():
		return name == "node_modules" || name == "target" || name == "zig-out" || name == "zig-cache"
	}
	return strings.HasSuffix(name, "~") || strings.HasPrefix(name, "#") && strings.HasSuffix(name, "#")
}

// contents are hashes of files. Saving a file as it was is no change.
type contents map[string][sha256.Size]byte

// update reads files again and gives those whose content is another than before.
func (c contents) update(files []string) (changed []string) {
	for _, file := range files {
		hash, found := contentOf(file)
		before, known := c[file]
		switch {
		case !found:
			delete(c, file)
		default:
			c[file] = hash
		}
		if found != known || hash != before || found && hash == unreadContent {
			changed = append(changed, file)
		}
	}
	return changed
}

// unreadContent stands for what is too large, or cannot be read.
var unreadContent = [sha256.Size]byte{}

// contentOf gives the hash of a file, if it is there.
func contentOf(file string) (hash [sha256.Size]byte, found bool) {
	info, err := os.Stat(file)
	if err != nil {
		return hash, false
	}
	if info.Size() > maxSource {
		return unreadContent, true
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return unreadContent, true
	}
	return sha256.Sum256(text), true
}
