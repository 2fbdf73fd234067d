package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// buildC builds testdata/dev.c in a workshop.
const buildC = "clang --target=wasm32 -O1 -ffreestanding -nostdlib -I %s -Wl,--no-entry -o handler.wasm handler.c"

// devWorkshop is a folder with a handler in C that says "one", and more lines of its configuration.
func devWorkshop(t *testing.T, more ...string) workshop {
	t.Helper()
	if _, err := exec.LookPath("clang"); err != nil {
		missing(t, "clang is missing; on Debian: apt-get install clang lld")
	}
	headers, err := filepath.Abs(filepath.Join(root, "sdk-c"))
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(filepath.Join("testdata", "dev.c"))
	if err != nil {
		t.Fatal(err)
	}
	w := newWorkshop(t)
	w.put(t, "handler.c", source)
	w.say(t, "one")
	w.configure(t, fmt.Sprintf(buildC, headers), more...)
	return w
}

// configure writes the configuration.
func (w workshop) configure(t *testing.T, command string, more ...string) {
	t.Helper()
	text := fmt.Sprintf("[build]\ncommand = %q\n[[route]]\nhandler = 'handler.wasm'\n%s\n", command, strings.Join(more, "\n"))
	w.put(t, "sluice.toml", []byte(text))
}

// say has the handler say something else from its next build on. The file is written in place, as some editors do.
func (w workshop) say(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(w.path("version.h"), fmt.Appendf(nil, "#define VERSION %q\n", text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (w workshop) dev(t *testing.T) *server {
	t.Helper()
	return startIn(t, string(w), "dev", "--addr", "127.0.0.1:0", "--verbose")
}

// awaitAnswer asks on one connection until the answer is the one that is wanted.
func (c *socket) awaitAnswer(t *testing.T, s *server, status int, content string) {
	t.Helper()
	s.await(t, fmt.Sprintf("the answer %d %q", status, content), func() bool {
		_ = c.SetDeadline(time.Now().Add(patience))
		c.send(t, "GET / HTTP/1.1\nHost: a\n\n")
		response := c.receive(t, http.MethodGet)
		got, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode == status && strings.Contains(string(got), content)
	})
}

// What is edited is served within moments, however an editor saves it, and what is broken only told, while one connection is
// kept and another has its download.
func TestDev(t *testing.T) {
	w := devWorkshop(t)
	source, err := os.ReadFile(w.path("handler.c"))
	if err != nil {
		t.Fatal(err)
	}
	s := w.dev(t)
	kept := s.dial(t)
	kept.awaitAnswer(t, s, http.StatusOK, "one")
	download := s.dial(t)
	download.send(t, "GET /download HTTP/1.1\nHost: a\n\n")
	begun := download.receive(t, http.MethodGet)

	for _, step := range []struct {
		name string
		do   func()
		want string
	}{
		{"written in place", func() { w.say(t, "two") }, "two"},
		{"broken", func() {
			w.put(t, "version.h", []byte("#error this is broken\n"))
			s.awaitText(t, "error: this is broken", "the build failed")
		}, "two"},
		{"mended by replacing the file", func() { w.put(t, "version.h", []byte("#define VERSION \"three\"\n")) }, "three"},
		{"removed", func() {
			if err := os.Remove(w.path("handler.c")); err != nil {
				t.Fatal(err)
			}
			s.awaitText(t, "no such file or directory: 'handler.c'")
		}, "three"},
		{"made again", func() { w.say(t, "four"); w.put(t, "handler.c", source) }, "four"},
		{"moved away for a backup", func() {
			if err := os.Rename(w.path("version.h"), w.path("version.h~")); err != nil {
				t.Fatal(err)
			}
			w.say(t, "five")
		}, "five"},
		{"in a new folder", func() {
			if err := os.Mkdir(w.path("new"), 0o700); err != nil {
				t.Fatal(err)
			}
			w.put(t, "new/version.h", []byte("#define VERSION \"six\"\n"))
			w.put(t, "version.h", []byte("#include \"new/version.h\"\n"))
		}, "six"},
		{"changed in the new folder", func() { w.put(t, "new/version.h", []byte("#define VERSION \"seven\"\n")) }, "seven"},
		{"many times", func() {
			for i := range 50 {
				w.say(t, fmt.Sprint("burst ", i))
			}
		}, "burst 49"},
	} {
		step.do()
		t.Log(step.name)
		kept.awaitAnswer(t, s, http.StatusOK, step.want)
	}

	_ = download.SetDeadline(time.Now().Add(patience))
	if size, err := io.Copy(io.Discard, begun.Body); err != nil || size != 32<<20 {
		t.Errorf("the download had %d bytes, %v", size, err)
	}
	if text := s.stderr.String(); strings.Contains(text, "version.h~") {
		t.Errorf("a backup counts as a source:\n%s", text)
	}
}

// awaitText waits until the log holds texts.
func (s *server) awaitText(t *testing.T, texts ...string) {
	t.Helper()
	s.await(t, fmt.Sprintf("%q", texts), func() bool { return containsAll(s.stderr.String(), texts) })
}

// A change of the configuration is taken over, with a build only where it is about building. What is built anew and the same
// is not loaded anew.
func TestDevConfig(t *testing.T) {
	w := devWorkshop(t)
	text, err := os.ReadFile(w.path("sluice.toml"))
	if err != nil {
		t.Fatal(err)
	}
	s := w.dev(t)
	kept := s.dial(t)
	kept.awaitAnswer(t, s, http.StatusOK, "one")

	w.put(t, "sluice.toml", append(text, "methods = ['POST']\n"...))
	kept.awaitAnswer(t, s, http.StatusMethodNotAllowed, "")
	w.put(t, "sluice.toml", append(text, "methods = POST\n"...))
	s.awaitText(t, "the configuration is refused", "sluice.toml:6:11: ")
	w.put(t, "sluice.toml", text)
	kept.awaitAnswer(t, s, http.StatusOK, "one")
	if built := strings.Count(s.stderr.String(), "built in"); built != 1 {
		t.Errorf("%d builds, though only routes have changed:\n%s", built, s.stderr.String())
	}

	w.put(t, "sluice.toml", []byte(strings.Replace(string(text), "-O1", "-O2", 1)))
	s.await(t, "a build with the new command", func() bool {
		_, after, _ := strings.Cut(s.stderr.String(), "-O2")
		return strings.Contains(after, "built in") && strings.Contains(after, reloadedShort)
	})
	reloads := strings.Count(s.stderr.String(), reloadedShort)
	source, err := os.ReadFile(w.path("handler.c"))
	if err != nil {
		t.Fatal(err)
	}
	w.put(t, "handler.c", append(source, "// The same.\n"...))
	s.awaitText(t, "nothing that is served has changed")
	w.say(t, "two")
	kept.awaitAnswer(t, s, http.StatusOK, "two")
	if now := strings.Count(s.stderr.String(), reloadedShort); now != reloads+1 {
		t.Errorf("%d reloads, want %d:\n%s", now, reloads+1, s.stderr.String())
	}

	builds := strings.Count(s.stderr.String(), "built in")
	if err := os.Chtimes(w.path("handler.c"), time.Now(), time.Now()); err != nil {
		t.Fatal(err)
	}
	s.awaitText(t, "files were written and hold what they held before")
	w.say(t, "three")
	kept.awaitAnswer(t, s, http.StatusOK, "three")
	if now := strings.Count(s.stderr.String(), "built in"); now != builds+1 {
		t.Errorf("%d builds, want %d:\n%s", now, builds+1, s.stderr.String())
	}
}

// reloadedShort is what sluice dev prints of a reload.
const reloadedShort = " reloaded changed="

// Until a first build succeeds, everybody is told what it said; then the same connection gets the handler.
func TestDevBroken(t *testing.T) {
	w := devWorkshop(t)
	w.put(t, "version.h", []byte("#error broken from the start\n"))
	s := w.dev(t)
	kept := s.dial(t)
	kept.awaitAnswer(t, s, http.StatusServiceUnavailable, "error: broken from the start\n")
	w.put(t, "version.h", []byte("int x;\n"))
	kept.awaitAnswer(t, s, http.StatusServiceUnavailable, "use of undeclared identifier 'VERSION'")
	w.say(t, "mended")
	kept.awaitAnswer(t, s, http.StatusOK, "mended")
}

// A build that writes to what is watched comes to its end all the same, and people are told what to do about it.
func TestDevWritesSources(t *testing.T) {
	w := devWorkshop(t)
	config, err := os.ReadFile(w.path("sluice.toml"))
	if err != nil {
		t.Fatal(err)
	}
	w.put(t, "sluice.toml", []byte(strings.Replace(string(config), "clang", "date +%N > generated; sleep 1; clang", 1)))
	s := w.dev(t)
	s.dial(t).awaitAnswer(t, s, http.StatusOK, "one")
	s.awaitText(t, "changed: generated", "name the sources in watch of [build]")
}

// A build is ended with everything that it has started: by a change, which another build follows, and by the end of the
// program. So is one that does not heed SIGTERM.
func TestDevStops(t *testing.T) {
	for name, trap := range map[string]string{"heeds SIGTERM": "", "ignores SIGTERM": "trap '' TERM; "} {
		t.Run(name, func(t *testing.T) {
			w := newWorkshop(t)
			w.configure(t, trap+"sleep 1000 & echo ready $$ $!; wait; wait")
			s := w.dev(t)
			first := s.awaitProcesses(t, 1)
			w.put(t, "source", []byte("changed"))
			second := s.awaitProcesses(t, 2)
			for _, pid := range first {
				awaitGone(t, pid)
			}
			s.signal(t, os.Interrupt)
			select {
			case <-s.ended:
			case <-time.After(patience):
				t.Fatal("the program did not end")
			}
			for _, pid := range second {
				awaitGone(t, pid)
			}
		})
	}
}

var ready = regexp.MustCompile(`(?m)^ready (\d+) (\d+)\r?$`)

// awaitProcesses waits until so many builds were begun, and gives the processes of the last.
func (s *server) awaitProcesses(t *testing.T, builds int) (pids []int) {
	t.Helper()
	s.await(t, fmt.Sprintf("%d builds", builds), func() bool {
		found := ready.FindAllStringSubmatch(s.stderr.String(), -1)
		if len(found) < builds {
			return false
		}
		for _, text := range found[builds-1][1:] {
			pid, _ := strconv.Atoi(text)
			pids = append(pids, pid)
		}
		return true
	})
	return pids
}

// awaitGone waits until a process has ended, and somebody has asked how. Orphans are asked by whoever adopts them.
func awaitGone(t *testing.T, pid int) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if err := syscall.Kill(pid, 0); err != nil {
			return
		}
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if _, state, found := strings.Cut(string(stat), ") "); found && strings.HasPrefix(state, "Z") {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("process %d is still there", pid)
		}
	}
}
