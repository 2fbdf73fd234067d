//go:build !unix

package codecache

import "io/fs"

// hasModes says that a file's mode tells who may do what with it. Elsewhere a directory inherits rights from the one that
// it is in, and the user's own are not open to others.
const hasModes = false

// ownerOf is the user that a file belongs to.
func ownerOf(fs.FileInfo) (user int, known bool) { return 0, false }
