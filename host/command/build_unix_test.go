//go:build unix

package command

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A command that goes on in the background does not outlive its build, and its build does not wait for it.
func TestBuildLeavesNothing(t *testing.T) {
	plan := buildPlan{folder: t.TempDir(), command: shell("sleep 1000 & echo $! > pid")}
	began := time.Now()
	if _, err := plan.run(t.Context(), new(bytes.Buffer), func(string) {}); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	awaitEnd(t, filepath.Join(plan.folder, "pid"))
}

// The end of a context ends the command and what it has started, which has time to clean up. What does not end is killed.
func TestBuildStopped(t *testing.T) {
	for name, test := range map[string]struct{ script, cleaned string }{
		"in order": {`sh -c 'trap "sleep 0.2; echo cleaned > cleaned; exit" TERM; echo $$ > new; mv new pid; while :; do sleep 0.02; done' & wait`,
			"cleaned\n"},
		"by force": {`sh -c 'trap "" TERM; echo $$ > new; mv new pid; while :; do sleep 0.02; done' & wait`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan := buildPlan{folder: t.TempDir(), command: shell(test.script)}
			pid := filepath.Join(plan.folder, "pid")
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				defer cancel()
				for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
					if _, err := os.Stat(pid); err == nil {
						return
					}
				}
			}()
			if _, err := plan.run(ctx, new(bytes.Buffer), func(string) {}); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			awaitEnd(t, pid)
			if cleaned, _ := os.ReadFile(filepath.Join(plan.folder, "cleaned")); string(cleaned) != test.cleaned {
				t.Errorf("it left %q, want %q", cleaned, test.cleaned)
			}
		})
	}
}

// awaitEnd waits until the process that a file names has ended.
func awaitEnd(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); !hasEnded(pid); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("process %d is still there", pid)
		}
	}
}

// hasEnded reports whether a process has, even if whoever adopted it has not asked how.
func hasEnded(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	stat, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, state, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(state, "Z")
}
