//go:build !linux

package measure

import (
	"errors"
	"time"
)

var errLinux = errors.New("what another process has used can be told on Linux only")

func tree(int) ([]int, error) { return nil, errLinux }

func cpuOf(int) (CPU, error) { return CPU{}, errLinux }

func resetPeak(int) error { return errLinux }

func memoryOf(int, string) (int64, error) { return 0, errLinux }

func busy() (work, stolen time.Duration, err error) { return 0, 0, errLinux }
