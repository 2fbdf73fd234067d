package measure

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// tree is a process and all below it, each with its parent before it. Servers with workers have several.
func tree(pid int) ([]int, error) {
	pids := []int{pid}
	for i := 0; i < len(pids); i++ {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pids[i]))
		if err != nil {
			return nil, err
		}
		if len(files) == 0 {
			return nil, fmt.Errorf("the process %d has ended", pids[i])
		}
		for _, file := range files {
			children, err := os.ReadFile(file)
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
				continue // a thread that has just ended; its children have another parent now, and are looked for again
			}
			if err != nil {
				return nil, err
			}
			for _, child := range strings.Fields(string(children)) {
				number, err := strconv.Atoi(child)
				if err != nil {
					return nil, err
				}
				pids = append(pids, number)
			}
		}
	}
	slices.Sort(pids)
	return slices.Compact(pids), nil
}

// cpuOf is the processor time of a process. Its clock counts nanoseconds and does not tell user from system; the ticks in
// /proc do, and are ten milliseconds long. So the former is divided as the latter are.
func cpuOf(pid int) (CPU, error) {
	var used unix.Timespec
	if err := unix.ClockGettime(processorClock(pid), &used); err != nil {
		return CPU{}, fmt.Errorf("the processor time of process %d: %w", pid, err)
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return CPU{}, err
	}
	user, system, err := ticks(stat)
	if err != nil {
		return CPU{}, err
	}
	all := time.Duration(used.Nano())
	c := CPU{User: all}
	if user+system > 0 {
		c.System = time.Duration(float64(all) * float64(system) / float64(user+system))
		c.User -= c.System
	}
	return c, nil
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

// resetPeak has the peak of a process's resident memory begin anew, where that is allowed.
func resetPeak(pid int) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
}

// memoryOf is a size of a process's memory in bytes, by its name in proc_pid_status(5).
func memoryOf(pid int, name string) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		words := strings.Fields(line)
		if len(words) == 3 && words[0] == name+":" && words[2] == "kB" {
			kib, err := strconv.ParseInt(words[1], 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("/proc/%d/status has no %s", pid, name)
}

// busy is the time in which the processors did anything, and in which the machine's host did not let them, since it started.
func busy() (work, stolen time.Duration, err error) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, err
	}
	return busyIn(stat)
}

// busyIn reads the first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal, in ticks.
func busyIn(stat []byte) (work, stolen time.Duration, err error) {
	const tick = 10 * time.Millisecond // USER_HZ is 100 on all architectures that matter here
	line, _, _ := bytes.Cut(stat, []byte("\n"))
	fields := bytes.Fields(line)
	if len(fields) < 9 || string(fields[0]) != "cpu" {
		return 0, 0, fmt.Errorf("/proc/stat begins with %q", line)
	}
	for i, field := range fields[1:9] {
		count, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return 0, 0, err
		}
		switch i {
		case 3, 4: // idle, and idle because of a disk
		case 7:
			stolen += time.Duration(count) * tick
		default:
			work += time.Duration(count) * tick
		}
	}
	return work, stolen, nil
}
