package wasmruntime

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// fastPlaces are the directories that are in memory and have room. On a busy disk a file can take seconds to be written,
// and wazero waits for that.
func fastPlaces() []string {
	const place, room = "/dev/shm", 1 << 30
	var there unix.Statfs_t
	if unix.Statfs(place, &there) != nil || there.Type != unix.TMPFS_MAGIC || there.Bavail*uint64(there.Bsize) < room {
		return nil
	}
	return []string{place}
}

// limitProcess bounds for good what this process may take from now on: the memory that it may add, in bytes, and the
// processor's time. Beyond the first the runtime ends the process with a message, beyond the second the system does.
func limitProcess(memory uint64, processor time.Duration) error {
	seconds := uint64((processor + time.Second - 1) / time.Second)
	for _, limit := range []struct {
		resource int
		most     uint64
	}{
		{unix.RLIMIT_DATA, dataSize() + memory},
		{unix.RLIMIT_CPU, seconds},
		{unix.RLIMIT_FSIZE, memory},
		{unix.RLIMIT_CORE, 0},
	} {
		if err := lower(limit.resource, limit.most); err != nil {
			return err
		}
	}
	return nil
}

// lower sets a limit, unless it is lower already.
func lower(resource int, most uint64) error {
	var now unix.Rlimit
	if err := unix.Getrlimit(resource, &now); err != nil {
		return os.NewSyscallError("getrlimit", err)
	}
	now.Cur, now.Max = min(now.Cur, most), min(now.Max, most)
	return os.NewSyscallError("setrlimit", unix.Setrlimit(resource, &now))
}

// dataSize is how much of this process counts against the limit on its data already, in bytes (proc_pid_statm(5)). Where
// that cannot be known the limit is stricter.
func dataSize() uint64 {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, resident, shared, text, lib, data uint64
	if _, err := fmt.Sscan(string(statm), &size, &resident, &shared, &text, &lib, &data); err != nil {
		return 0
	}
	return data * uint64(os.Getpagesize())
}
