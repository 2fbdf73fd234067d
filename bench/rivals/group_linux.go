package rivals

import (
	"os"
	"os/exec"
	"syscall"
)

// leadGroup has a program lead a group of processes, and end when this one does, however that happens.
func leadGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// terminate asks a process to end.
func terminate(p *os.Process) { _ = p.Signal(syscall.SIGTERM) }

// killGroup ends a process and all others of the group that it leads or has led.
func killGroup(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }
