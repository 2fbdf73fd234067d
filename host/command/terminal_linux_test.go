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

// A build whose output goes to a terminal has one itself, and prints colours. Only text is kept.
func TestBuildTerminal(t *testing.T) {
	master, slave := openTerminal(t)
	plan := buildPlan{folder: t.TempDir(), command: shell(`test -t 1 && test -t 2 && printf '\033[31mred\033[0m\n' && stty size <&1`)}
	if err := unix.IoctlSetWinsize(int(slave.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 33, Col: 99}); err != nil {
		t.Fatal(err)
	}
	output, err := plan.run(t.Context(), slave, func(string) {})
	if want := "red\n33 99\n"; err != nil || output != want {
		t.Errorf("got %q, %v, want %q", output, err, want)
	}
	room := make([]byte, 4096)
	n, err := master.Read(room)
	if want := "\x1b[31mred\x1b[0m"; err != nil || !strings.HasPrefix(string(room[:n]), want) {
		t.Errorf("the terminal was sent %q, %v, want %q", room[:n], err, want)
	}
}
