package measure

import (
	"fmt"
	"os"
	"slices"
	"time"
)

// CPU is processor time.
type CPU struct {
	User   time.Duration `json:"user_ns"`
	System time.Duration `json:"system_ns"`
}

// All is both.
func (c CPU) All() time.Duration { return c.User + c.System }

func (c CPU) plus(other CPU) CPU { return CPU{c.User + other.User, c.System + other.System} }

func (c CPU) minus(other CPU) CPU { return CPU{c.User - other.User, c.System - other.System} }

// reading is what a server and the machine have used so far.
type reading struct {
	at     time.Time
	pids   []int
	server CPU
	own    CPU // what this process has used
	work   time.Duration
	stolen time.Duration
}

// read looks at a server from outside, at all of its processes.
func read(pid int) (reading, error) {
	r := reading{at: time.Now()}
	var err error
	if r.pids, err = tree(pid); err != nil {
		return r, err
	}
	for _, pid := range r.pids {
		used, err := cpuOf(pid)
		if err != nil {
			return r, err
		}
		r.server = r.server.plus(used)
	}
	if r.own, err = cpuOf(os.Getpid()); err != nil {
		return r, err
	}
	r.work, r.stolen, err = busy()
	return r, err
}

// since is what was used from an earlier reading on. A server whose processes are others now has used what nobody knows.
func (r reading) since(earlier reading, processors int) (Used, error) {
	if !slices.Equal(r.pids, earlier.pids) {
		return Used{}, fmt.Errorf("the processes of the server were %v, and are %v now", earlier.pids, r.pids)
	}
	u := Used{CPU: r.server.minus(earlier.server)}
	capacity := r.at.Sub(earlier.at) * time.Duration(processors)
	others := r.work - earlier.work - u.CPU.All() - r.own.minus(earlier.own).All()
	u.Others = float64(others) / float64(capacity)
	u.Stolen = float64(r.stolen-earlier.stolen) / float64(capacity)
	return u, nil
}

// Used is what was used in a turn.
type Used struct {
	CPU CPU `json:"cpu"`
	// Others is the part of the processors' time that programs took which are neither the server nor the load, Stolen the
	// part that the machine did not get, because it shares its processors with others. Of a short turn they are rough, and may
	// be negative: the operating system counts in hundredths of a second.
	Others float64 `json:"others"`
	Stolen float64 `json:"stolen"`
}

// memory sums up a size of memory over all processes of a server. What they share is counted for each.
func memory(pid int, name string) (int64, error) {
	pids, err := tree(pid)
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, pid := range pids {
		size, err := memoryOf(pid, name)
		if err != nil {
			return 0, err
		}
		sum += size
	}
	return sum, nil
}

// resetPeaks has the peaks of all processes of a server begin anew.
func resetPeaks(pid int) error {
	pids, err := tree(pid)
	if err != nil {
		return err
	}
	for _, pid := range pids {
		if err := resetPeak(pid); err != nil {
			return err
		}
	}
	return nil
}
