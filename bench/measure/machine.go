package measure

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Machine is what figures depend on.
type Machine struct {
	Processors int       `json:"processors"`
	Processor  string    `json:"processor"`
	Memory     int64     `json:"memory_bytes"`
	Kernel     string    `json:"kernel"`
	System     string    `json:"system"`
	Go         string    `json:"go"`
	Arch       string    `json:"arch"`
	Time       time.Time `json:"time"`
}

// ThisMachine is the one that this runs on.
func ThisMachine() (Machine, error) {
	m := Machine{Processors: runtime.NumCPU(), Go: runtime.Version(), Arch: runtime.GOARCH, Time: time.Now().UTC().Truncate(time.Second)}
	kernel, err := exec.Command("uname", "-sr").Output()
	if err != nil {
		return m, err
	}
	m.Kernel = strings.TrimSpace(string(kernel))
	m.Processor = valueIn("/proc/cpuinfo", "model name")
	m.System = strings.Trim(valueIn("/etc/os-release", "PRETTY_NAME"), `"`)
	// "24684912 kB"; where it says otherwise, nothing is known.
	kib, _ := strconv.ParseInt(strings.TrimSuffix(valueIn("/proc/meminfo", "MemTotal"), " kB"), 10, 64)
	m.Memory = kib << 10
	return m, nil
}

// valueIn finds the first line "name: value" or "name=value" of a file; empty if there is none.
func valueIn(file, name string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		at := strings.IndexAny(line, ":=")
		if at > 0 && strings.TrimSpace(line[:at]) == name {
			return strings.TrimSpace(line[at+1:])
		}
	}
	return ""
}
