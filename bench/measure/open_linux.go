package measure

import (
	"fmt"
	"syscall"
)

// mayOpen lets this process, and servers that it starts from now on, have as many connections as they are allowed, and gives
// their number, which is no more than is wanted.
func mayOpen(wanted int) (int, error) {
	const others = 500 // files that are no connections
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	if limit.Max < 2*others {
		return 0, fmt.Errorf("a process may have %d files open; ulimit -n has to allow %d at least", limit.Max, 2*others)
	}
	return int(min(uint64(wanted), limit.Max-others)), nil
}
