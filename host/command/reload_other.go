//go:build !unix

package command

import "os"

// There is no signal that asks for a reload; --watch has it without one.

func notifyReload(chan<- os.Signal) {}

func stopReload(chan<- os.Signal) {}

func hasTerminal() bool { return false }
