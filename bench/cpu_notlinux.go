//go:build !linux

package main

import (
	"errors"
	"os/exec"
)

// usageOf is what another process has used.
func usageOf(int) (usage, error) {
	return usage{}, errors.New("what another process has used can be told on Linux only")
}

// endWithParent has a process end when this one does. Here it does so when its context ends.
func endWithParent(*exec.Cmd) {}
