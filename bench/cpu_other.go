//go:build !unix

package main

import (
	"errors"
	"time"
)

// ownCPU is the CPU time of this process.
func ownCPU() (user, system time.Duration, err error) {
	return 0, 0, errors.New("this system has no getrusage, which measures CPU time")
}
