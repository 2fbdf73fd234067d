package measure

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

func TestCPUOf(t *testing.T) {
	before, err := cpuOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); time.Since(begin) < 50*time.Millisecond; {
	}
	after, err := cpuOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if used := after.minus(before).All(); used <= 0 || used > time.Second {
		t.Errorf("%v were used in 50 ms of work", used)
	}
}

// TestTree counts what a child uses, and sees that there is another child.
func TestTree(t *testing.T) {
	parent := exec.CommandContext(t.Context(), "sh", "-c", "sh -c 'while read line; do i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; done'; true")
	work, err := parent.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	defer parent.Wait()
	defer work.Close()
	pid := parent.Process.Pid
	for range 1000 {
		if pids, err := tree(pid); err == nil && len(pids) == 2 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	before, err := read(pid)
	if err != nil {
		t.Fatal(err)
	}
	work.Write([]byte("\n"))
	time.Sleep(200 * time.Millisecond)
	after, err := read(pid)
	if err != nil {
		t.Fatal(err)
	}
	used, err := after.since(before, 1)
	if err != nil || used.CPU.All() < time.Millisecond {
		t.Errorf("the child of %v used %v, %v", after.pids, used.CPU.All(), err)
	}
	if own, err := cpuOf(pid); err != nil || own.All() > used.CPU.All() {
		t.Errorf("the parent alone used %v, %v", own.All(), err)
	}
	after.pids = slices.Concat(after.pids, []int{1})
	if _, err := after.since(before, 1); err == nil {
		t.Error("another process was not seen")
	}
	if size, err := memory(pid, "VmHWM"); err != nil || size < 100<<10 {
		t.Errorf("a peak of %d bytes, %v", size, err)
	}
	if _, err := memory(pid, "VmNone"); err == nil {
		t.Error("a size that there is not was read")
	}
	work.Close()
	parent.Wait()
	if _, err := tree(pid); err == nil {
		t.Error("a process that has ended was found")
	}
}

func TestTicks(t *testing.T) {
	user, system, err := ticks([]byte("7 (a) b (c) S 1 7 7 0 -1 4194560 5 0 0 0 31 17 0 0 20 0 1 0\n"))
	if user != 31 || system != 17 || err != nil {
		t.Errorf("%d, %d, %v", user, system, err)
	}
	if _, _, err := ticks([]byte("7 (x) S 1")); err == nil {
		t.Error("a line cut short was taken")
	}
}

func TestBusyIn(t *testing.T) {
	work, stolen, err := busyIn([]byte("cpu  100 20 30 4000 500 6 7 80 0 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n"))
	if work != 1630*time.Millisecond || stolen != 800*time.Millisecond || err != nil {
		t.Errorf("%v, %v, %v", work, stolen, err)
	}
	for _, text := range []string{"", "cpu0 1 2 3 4 5 6 7 8 9\n", "cpu 1 2 3\n", "cpu a b c d e f g h\n"} {
		if _, _, err := busyIn([]byte(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
