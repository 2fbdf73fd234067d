//go:build unix

package command

import (
	"os/exec"
	"syscall"
)

// inGroup has a command and all that it starts be a group of processes, and the end of its context ask all of them to end.
func inGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
}

// killGroup kills what is left of a command's group. Where nothing is, there is no such group.
func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
