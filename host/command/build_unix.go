//go:build unix

package command

import (
	"os/exec"
	"syscall"
	"time"
)

// inGroup has a command and all that it starts be a group of processes, and the end of its context ask all of them to end.
func inGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
}

// endGroup ends what is left of a command's group, and waits for it no longer than stopTime. Where nothing is left, there is no
// such group.
func endGroup(cmd *exec.Cmd) {
	group := -cmd.Process.Pid
	for end, signal := time.Now().Add(stopTime), syscall.SIGTERM; syscall.Kill(group, signal) == nil; signal = 0 {
		if time.Now().After(end) {
			_ = syscall.Kill(group, syscall.SIGKILL)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}
