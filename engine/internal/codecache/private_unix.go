//go:build unix

package codecache

import (
	"io/fs"
	"syscall"
)

// hasModes says that a file's mode tells who may do what with it.
const hasModes = true

// ownerOf is the user that a file belongs to.
func ownerOf(info fs.FileInfo) (user int, known bool) {
	stat, known := info.Sys().(*syscall.Stat_t)
	if !known {
		return 0, false
	}
	return int(stat.Uid), true
}
