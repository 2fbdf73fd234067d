package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// SIGHUP means a reload as long as the program has its terminal, and the end when that has gone.
func TestTerminalGoes(t *testing.T) {
	master, slave := openTerminal(t)
	cmd := program(t, "serve", "--echo", "--core", "native", "--addr", "127.0.0.1:0")
	cmd.Stdin = slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	stdout, failed := cmd.StdoutPipe()
	stderr, err := cmd.StderrPipe()
	if err = errors.Join(failed, err); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	defer time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() }).Stop()
	read := func(from io.Reader, until string) {
		t.Helper()
		var text []byte
		for room := make([]byte, 4096); !strings.Contains(string(text), until); {
			n, err := from.Read(room)
			if text = append(text, room[:n]...); err != nil {
				t.Fatalf("%v after %q, want %q", err, text, until)
			}
		}
	}
	read(stdout, "Press Ctrl+C to stop.")
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	read(stderr, "msg=reloaded")
	master.Close()
	read(stdout, "Draining")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// openTerminal makes a pair of a terminal and its other side (pty(7)).
func openTerminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	return master, slave
}
