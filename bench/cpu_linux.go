package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// usageOf is what another process has used. The clock of its processor time counts nanoseconds, and does not tell user from
// system; the ticks in /proc do, and are ten milliseconds long. So the former is divided as the latter are.
func usageOf(pid int) (usage, error) {
	var used unix.Timespec
	if err := unix.ClockGettime(processorClock(pid), &used); err != nil {
		return usage{}, fmt.Errorf("the processor time of process %d: %w", pid, err)
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}, err
	}
	user, system, err := ticks(stat)
	if err != nil {
		return usage{}, err
	}
	all := time.Duration(used.Nano())
	u := usage{User: all, NoHeap: true}
	if user+system > 0 {
		u.System = time.Duration(float64(all) * float64(system) / float64(user+system))
		u.User -= u.System
	}
	return u, nil
}

// processorClock is the clock of a process's processor time, as clock_getcpuclockid of the C library makes it.
func processorClock(pid int) int32 {
	const scheduler = 2
	return int32(^pid<<3 | scheduler)
}

// ticks are the user and system time of a process: the 14th and 15th field of its stat, of which the second, the name in
// parentheses, may hold anything.
func ticks(stat []byte) (user, system uint64, err error) {
	const beforeUser = 11
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < beforeUser+2 {
		return 0, 0, fmt.Errorf("what /proc says of a process is %q", stat)
	}
	if user, err = strconv.ParseUint(string(fields[beforeUser]), 10, 64); err != nil {
		return 0, 0, err
	}
	system, err = strconv.ParseUint(string(fields[beforeUser+1]), 10, 64)
	return user, system, err
}

// endWithParent has a process end when this one does, however that happens.
func endWithParent(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
