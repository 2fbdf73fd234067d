//go:build unix

package wasmruntime

import (
	"os"

	"golang.org/x/sys/unix"
)

// reserve takes addresses and nothing else: what was not committed faults when touched, and costs no memory.
func reserve(size uint64) ([]byte, error) {
	if size == 0 {
		return nil, nil
	}
	region, err := unix.Mmap(-1, 0, int(size), unix.PROT_NONE, unix.MAP_ANON|unix.MAP_PRIVATE)
	return region, os.NewSyscallError("mmap", err)
}

// commit makes reserved bytes, whole wasm pages of them, readable and writable. They are zero.
func commit(part []byte) error {
	return os.NewSyscallError("mprotect", unix.Mprotect(part, unix.PROT_READ|unix.PROT_WRITE))
}

// release gives a whole reservation back.
func release(region []byte) {
	if region != nil {
		// It fails only for what is not a reservation, which would be a bug here and must not pass unseen.
		if err := unix.Munmap(region); err != nil {
			panic(os.NewSyscallError("munmap", err))
		}
	}
}
