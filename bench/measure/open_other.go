//go:build !linux

package measure

func mayOpen(int) (int, error) { return 0, errLinux }
