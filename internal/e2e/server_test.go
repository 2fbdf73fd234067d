package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what should come soon. Only a broken program uses it up.
const patience = 45 * time.Second

// eachCore runs a test with the parser in its sandbox and with its native twin.
func eachCore(t *testing.T, test func(t *testing.T, core string)) {
	for _, core := range []string{"wasm", "native"} {
		t.Run(core, func(t *testing.T) { test(t, core) })
	}
}

// server is a running program.
type server struct {
	cmd            *exec.Cmd
	stdout, stderr watched
	ended          chan struct{} // closed when the program has ended
	// url ends with a slash, addr is its host and port.
	url, addr string
}

// start starts the program and waits until it listens. At its end the test stops it, and fails unless it ends well.
func start(t *testing.T, core string, args ...string) *server {
	t.Helper()
	return startIn(t, "", append([]string{"serve", "--addr", "127.0.0.1:0", "--core", core}, args...)...)
}

// startIn starts the program with any command that serves, in a folder.
func startIn(t *testing.T, folder string, args ...string) *server {
	t.Helper()
	s := &server{ended: make(chan struct{})}
	s.cmd = exec.CommandContext(untilDeadline(t), programFile, args...)
	s.cmd.Dir, s.cmd.Env = folder, environment()
	s.cmd.Stdout, s.cmd.Stderr = &s.stdout, &s.stderr
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.ended)
		_ = s.cmd.Wait() // what counts is in the process's state
	}()
	t.Cleanup(func() { s.stop(t) })
	s.await(t, "the program listens", func() bool { return s.stdout.contains("Press Ctrl+C to stop.") })
	s.url = regexp.MustCompile(`http://\S+`).FindString(s.stdout.String())
	s.addr = strings.Trim(strings.TrimPrefix(s.url, "http:"), "/")
	return s
}

// startConfig starts the program with a configuration file.
func startConfig(t *testing.T, core, config string, args ...string) *server {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sluice.toml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return start(t, core, append([]string{"--config", file}, args...)...)
}

// route is a route of a configuration file; more are its other lines.
func route(t *testing.T, handler string, more ...string) string {
	t.Helper()
	return fmt.Sprintf("\n[[route]]\nhandler = %q\n%s\n", module(t, handler), strings.Join(more, "\n"))
}

// untilDeadline ends shortly before `go test` gives up, so that no program outlives it.
func untilDeadline(t *testing.T) context.Context {
	deadline, ok := t.Deadline()
	if !ok {
		return context.Background()
	}
	ctx, cancel := context.WithDeadline(context.Background(), deadline.Add(-5*time.Second))
	t.Cleanup(cancel)
	return ctx
}

// environment is this process's, without the variables that stand for the program's flags, and with a cache that all
// programs of this run share.
func environment() []string {
	var env []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "SLUICE_") {
			env = append(env, variable)
		}
	}
	return append(env, "XDG_CACHE_HOME="+filepath.Join(folder, "cache"))
}

// stop asks the program to end and waits for it. It must do so by itself, and must not have found a bug in itself.
func (s *server) stop(t *testing.T) {
	t.Helper()
	if !s.hasEnded() {
		s.signal(t, syscall.SIGTERM)
	}
	select {
	case <-s.ended:
	case <-time.After(patience):
		_ = s.cmd.Process.Kill()
		<-s.ended
		t.Errorf("the program did not end within %v of SIGTERM", patience)
	}
	log := s.stderr.String()
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the program ended with %v, want exit code 0; it wrote\n%s", s.cmd.ProcessState, log)
	}
	for line := range strings.Lines(log) {
		for _, bad := range []string{"level=ERROR", "bug in Sluice", "panic:", "fatal error:"} {
			// What a handler prints when it panics is no panic of the program's.
			if strings.Contains(line, bad) && !strings.Contains(line, `msg="handler printed"`) {
				t.Errorf("the log holds %q:\n%s", bad, log)
			}
		}
	}
}

func (s *server) signal(t *testing.T, signal os.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(signal); err != nil {
		t.Error(err)
	}
}

func (s *server) hasEnded() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// await waits until a condition is true. It gives up when the program ends.
func (s *server) await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !condition(); time.Sleep(10 * time.Millisecond) {
		if s.hasEnded() || time.Now().After(end) {
			t.Fatalf("waited in vain: %s; the program wrote\n%s%s", what, s.stdout.String(), s.stderr.String())
		}
	}
}

// awaitLog waits for a line of the log that holds all of the words.
func (s *server) awaitLog(t *testing.T, words ...string) {
	t.Helper()
	s.await(t, fmt.Sprintf("a line of the log with %q", words), func() bool {
		for line := range strings.Lines(s.stderr.String()) {
			if containsAll(line, words) {
				return true
			}
		}
		return false
	})
}

func containsAll(text string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// memory is a size of the program's memory in bytes, by its name in proc_pid_status(5): VmRSS is what it takes now, VmHWM
// the most that it ever took. 0 where the operating system does not say.
func (s *server) memory(t *testing.T, name string) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if value, found := strings.CutPrefix(line, name+":"); found {
			kilobytes, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kilobytes << 10
		}
	}
	return 0
}

// files is how many files and sockets the program has open; 0 where the operating system does not say.
func (s *server) files() int {
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	return len(open)
}

// awaitFiles waits until the program has no more files open than it had: it has let go of its connections.
func (s *server) awaitFiles(t *testing.T, before int) {
	t.Helper()
	s.await(t, fmt.Sprintf("no more than %d open files", before), func() bool { return s.files() <= before })
}

// watched is an output that can be looked at while it grows.
type watched struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buffer.Write(p)
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buffer.String()
}

func (w *watched) contains(text string) bool { return strings.Contains(w.String(), text) }
