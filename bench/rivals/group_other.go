//go:build !linux

package rivals

import (
	"os"
	"os/exec"
)

// leadGroup has a program lead a group of processes. Here it is on its own: the benchmarks measure on Linux only.
func leadGroup(*exec.Cmd) {}

// terminate asks a process to end.
func terminate(p *os.Process) { _ = p.Signal(os.Interrupt) }

// killGroup ends a process.
func killGroup(p *os.Process) { _ = p.Kill() }
