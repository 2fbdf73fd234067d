//go:build unix

package command

import (
	"os"
	"os/signal"
	"syscall"
)

// notifyReload has the signal that asks for a reload sent to a channel.
func notifyReload(signals chan<- os.Signal) { signal.Notify(signals, syscall.SIGHUP) }

// stopReload ends that.
func stopReload(signals chan<- os.Signal) { signal.Stop(signals) }

// hasTerminal reports whether the program belongs to a terminal. When one goes, what belongs to it gets the same signal that
// asks for a reload, and belongs to none from then on.
func hasTerminal() bool {
	terminal, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	terminal.Close()
	return true
}
