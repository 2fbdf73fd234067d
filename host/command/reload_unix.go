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
