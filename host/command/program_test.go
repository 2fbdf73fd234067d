package command

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// These tests run the built program, with real sockets and signals.

var folder string // of the built program and its caches

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == compileModule { // started by a command that runs in this process
		os.Exit(Run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	// The variables of whoever runs the tests are not theirs.
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "SLUICE_") {
			os.Unsetenv(name)
		}
	}
	var err error
	if folder, err = os.MkdirTemp("", "sluice"); err != nil {
		panic(err)
	}
	status := m.Run()
	os.RemoveAll(folder)
	os.Exit(status)
}

var build = sync.OnceValues(func() (string, error) {
	file := filepath.Join(folder, "sluice")
	output, err := exec.Command("go", "build", "-o", file, "..").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, output)
	}
	return file, err
})

// program prepares a run of the built program, with caches of its own.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	file, err := build()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(file, args...)
	cmd.Env = append(cmd.Environ(), "XDG_CACHE_HOME="+filepath.Join(folder, "cache"))
	return cmd
}

// output is what a program that ended by itself has printed.
type output struct {
	status         int
	stdout, stderr string
}

// run runs the program to its end.
func run(t *testing.T, stdin string, args ...string) output {
	t.Helper()
	cmd := program(t, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return output{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// server is a program that serves.
type server struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdout *bufio.Reader
	stderr bytes.Buffer
	banner string
	url    string
}

// startServer starts the program and waits until it listens. It is killed, and the test fails, after 30 s.
func startServer(t *testing.T, args ...string) *server {
	t.Helper()
	s := &server{t: t, cmd: program(t, args...)}
	s.cmd.Stderr = &s.stderr
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.stdout = bufio.NewReader(stdout)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(30*time.Second, func() { s.cmd.Process.Kill() })
	t.Cleanup(func() {
		kill.Stop()
		s.cmd.Process.Kill()
		s.cmd.Wait()
	})
	s.banner = s.readTo("Press Ctrl+C to stop.")
	s.url = regexp.MustCompile(`http://\S+`).FindString(s.banner)
	return s
}

// readTo reads what the program prints up to the line that holds text.
func (s *server) readTo(text string) string {
	s.t.Helper()
	var read strings.Builder
	for !strings.Contains(read.String(), text) {
		line, err := s.stdout.ReadString('\n')
		read.WriteString(line)
		if err != nil {
			s.cmd.Wait()
			s.t.Fatalf("the program ended before it printed %q\nstdout: %s\nstderr: %s", text, read.String(), s.stderr.String())
		}
	}
	return read.String()
}

func (s *server) signal(signal os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(signal); err != nil {
		s.t.Fatal(err)
	}
}

// end waits until the program has ended. Its stdout is what was not read before.
func (s *server) end() output {
	s.t.Helper()
	rest, err := io.ReadAll(s.stdout)
	if err != nil {
		s.t.Fatal(err)
	}
	s.cmd.Wait()
	return output{s.cmd.ProcessState.ExitCode(), string(rest), s.stderr.String()}
}

// sendHalf sends a request without the end of its body.
func (s *server) sendHalf() net.Conn {
	s.t.Helper()
	connection, err := net.Dial("tcp", strings.Trim(strings.TrimPrefix(s.url, "http:"), "/"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { connection.Close() })
	fmt.Fprint(connection, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nab")
	time.Sleep(100 * time.Millisecond) // until the request is under way
	return connection
}

func get(t *testing.T, url string) *http.Response {
	t.Helper()
	client := http.Client{Timeout: 10 * time.Second}
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response
}

func TestServeWelcome(t *testing.T) {
	for _, test := range []struct {
		args   []string
		signal os.Signal
	}{
		{[]string{"--addr", "127.0.0.1:0"}, os.Interrupt},
		{[]string{"serve", "--addr", "127.0.0.1:0", "--core", "native"}, syscall.SIGTERM},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			s := startServer(t, test.args...)
			if !regexp.MustCompile(`^http://127\.0\.0\.1:[1-9]\d*/$`).MatchString(s.url) {
				t.Errorf("URL %q", s.url)
			}
			if response := get(t, s.url); response.StatusCode != http.StatusOK {
				t.Errorf("status %d", response.StatusCode)
			}
			s.signal(test.signal)
			if got := s.end(); got.status != 0 || !strings.HasPrefix(got.stdout, "Draining: ") {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestServeEcho(t *testing.T) {
	for _, args := range [][]string{
		{"--echo", "--addr", "127.0.0.1:0"},
		{"serve", "--addr", "127.0.0.1:0", "--core", "native", "--echo"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			s := startServer(t, args...)
			if want := "  route  /  any method  echo\n"; !strings.Contains(s.banner, want) {
				t.Errorf("the banner lacks %q: %s", want, s.banner)
			}
			response, err := http.Post(s.url+"any/where", "text/x-test", strings.NewReader("body"))
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if got, err := io.ReadAll(response.Body); response.StatusCode != http.StatusOK || string(got) != "body" || err != nil {
				t.Errorf("got %d %q, %v", response.StatusCode, got, err)
			}
			if got := response.Header.Get("Content-Type"); got != "text/x-test" {
				t.Errorf("Content-Type is %q", got)
			}
			s.signal(os.Interrupt)
			if got := s.end(); got.status != 0 {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestServeConfig(t *testing.T) {
	writeConfig(t, `
server.addr = "127.0.0.1:0"
server.cache_dir = "cache"
[[route]]
path = "/a"
methods = ["GET", "HEAD"]
handler = "welcome.wasm"
[[route]]
host = "b.example"
handler = "welcome.wasm"
`)
	if err := os.WriteFile("welcome.wasm", welcomeWasm, 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, "serve", "--config", "sluice.toml", "--verbose")
	want := "Listening on " + s.url + `

  config  sluice.toml
  core    wasm
  cache   cache
  route   /a          GET, HEAD   welcome.wasm
  route   b.example/  any method  welcome.wasm

Press Ctrl+C to stop.
`
	if s.banner != want {
		t.Errorf("\n got %s\nwant %s", s.banner, want)
	}
	if response := get(t, s.url+"a"); response.StatusCode != http.StatusOK {
		t.Errorf("/a: status %d", response.StatusCode)
	}
	s.signal(os.Interrupt)
	if got := s.end(); got.status != 0 {
		t.Errorf("got %+v", got)
	}
}

// The configuration file of the current folder is served unless something else is to be.
func TestServePicksUp(t *testing.T) {
	if _, err := build(); err != nil { // while the sources are in the current folder
		t.Fatal(err)
	}
	writeConfig(t, "[build]\ncommand = 'true'\n[[route]]\npath = '/only'\nhandler = 'echo.wasm'\n")
	got := run(t, "", "serve", "--addr", "127.0.0.1:0")
	if want := "sluice: sluice.toml:5:11: cannot read echo.wasm: no such file or directory; paths are relative to the configuration" +
		" file's folder; 'sluice build' makes what [build] is for\n"; got.status != 1 || got.stderr != want {
		t.Errorf("\n got %+v\nwant %s", got, want)
	}
	if err := os.WriteFile("echo.wasm", echoWasm, 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"": "config  sluice.toml\n", "serve": "config  sluice.toml\n",
		"serve echo.wasm": "any method  echo.wasm\n", "--echo": "any method  echo\n", "--config=": "any method  welcome page\n",
	} {
		s := startServer(t, append(strings.Fields(args), "--addr", "127.0.0.1:0")...)
		if !strings.Contains(s.banner, want) || strings.Contains(s.banner, "config") != strings.Contains(want, "config") {
			t.Errorf("%s: the banner is %s", args, s.banner)
		}
		s.signal(os.Interrupt)
		s.end()
	}
}

// A request that is under way at the signal is answered.
func TestDrain(t *testing.T) {
	s := startServer(t, "--addr", "127.0.0.1:0")
	connection := s.sendHalf()
	s.signal(syscall.SIGTERM)
	s.readTo("Draining: ")
	fmt.Fprint(connection, "cd")
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if got := s.end(); got.status != 0 || got.stderr != "" {
		t.Errorf("got %+v", got)
	}
}

func TestDrainEnds(t *testing.T) {
	for _, test := range []struct {
		name    string
		args    []string
		signals int
		want    string
	}{
		{"by grace", []string{"--grace", "200ms"}, 1, "sluice: requests were cut: they did not end within 200ms; allow more with --grace\n"},
		{"by signal", nil, 2, "sluice: requests were cut: a second signal came before they ended\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := startServer(t, append([]string{"--addr", "127.0.0.1:0"}, test.args...)...)
			s.sendHalf()
			s.signal(os.Interrupt)
			if test.signals > 1 {
				s.readTo("Draining: ")
				s.signal(os.Interrupt)
			}
			start := time.Now()
			got := s.end()
			if !strings.Contains(got.stderr, test.want) || got.status != 1 { // the log may sum up at the same time
				t.Errorf("got %+v, want %s", got, test.want)
			}
			if elapsed := time.Since(start); elapsed > 5*time.Second {
				t.Errorf("ended after %s", elapsed)
			}
		})
	}
}

func TestBusyPort(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	addr := listener.Addr().String()
	want := output{1, "", "sluice: cannot listen on " + addr + ": the address is in use; stop the other program or choose another address with --addr\n"}
	if got := run(t, "", "--addr", addr); got != want {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

// A handler that cannot serve is one line with its name.
func TestServeBadHandler(t *testing.T) {
	writeConfig(t, "")
	got := run(t, "", "serve", "a.wasm", "--addr", "127.0.0.1:0")
	if got.status != 1 || got.stdout != "" || strings.Count(got.stderr, "\n") != 1 || !strings.Contains(got.stderr, "a.wasm") {
		t.Errorf("got %+v", got)
	}
}

func TestTrace(t *testing.T) {
	const (
		request = "GET /<a> HTTP/1.1\r\nHost: a\r\nX: \xe9\r\n\r\n"
		line    = `{"event":"LINE_READY","offset":0,"method":"GET","target":"/<a>","version":"1.1"}` + "\n"
		header  = `{"event":"HEADER_READY","offset":19,"fields":[["Host","a"],["X","é"]]}` + "\n"
		ready   = `{"event":"READY","offset":36}` + "\n"

		answer      = "HTTP/1.1 200 \r\nContent-Length:10\r\n\r\n"
		answerLines = `{"event":"LINE_READY","offset":0,"status":200,"reason":"","version":"1.1"}` + "\n" +
			`{"event":"HEADER_READY","offset":15,"fields":[["Content-Length","10"]]}` + "\n"
	)
	for _, test := range []struct{ args, input, want string }{
		{"trace", request, line + header + ready + `{"verdict":"accept","messages":1}` + "\n"},
		{"trace --eof", request, line + header + ready + `{"verdict":"accept","messages":1}` + "\n"},
		{"trace", request[:25], line + `{"verdict":"incomplete","messages":0}` + "\n"},
		{"trace --role client --method HEAD", answer + answer, answerLines + `{"event":"READY","offset":36}` + "\n" +
			strings.NewReplacer(`:0,`, `:36,`, `:15,`, `:51,`).Replace(answerLines) + `{"event":"READY","offset":72}` + "\n" +
			`{"verdict":"accept","messages":2}` + "\n"},
		{"trace --role client", answer, answerLines + `{"verdict":"incomplete","messages":0}` + "\n"},
		{"trace --role client --eof", answer, answerLines + `{"verdict":"incomplete","messages":0,"error":{"code":"truncated","offset":36,"status":502}}` + "\n"},
		{"trace --role client --eof", "HTTP/1.0 200 \r\n\r\nx", `{"event":"LINE_READY","offset":0,"status":200,"reason":"","version":"1.0"}` + "\n" +
			`{"event":"HEADER_READY","offset":15,"fields":[]}` + "\n" + `{"event":"DATA_READY","offset":17,"data":"x"}` + "\n" +
			`{"event":"READY","offset":18}` + "\n" + `{"verdict":"accept","messages":1}` + "\n"},
		{"trace --role client --method CONNECT", "HTTP/1.0 200 \r\n\r\nraw", `{"event":"LINE_READY","offset":0,"status":200,"reason":"","version":"1.0"}` + "\n" +
			`{"event":"HEADER_READY","offset":15,"fields":[]}` + "\n" + `{"event":"UPGRADED","offset":17}` + "\n" +
			`{"verdict":"upgrade","messages":1}` + "\n"},
	} {
		for _, mode := range []string{"", " --split 1", " --core native"} {
			t.Run(test.args+mode, func(t *testing.T) {
				if got, want := run(t, test.input, strings.Fields(test.args+mode)...), (output{0, test.want, ""}); got != want {
					t.Errorf("\n got %+v\nwant %+v", got, want)
				}
			})
		}
	}
	t.Run("reject", func(t *testing.T) {
		got := run(t, "GET  / HTTP/1.1\r\n\r\n", "trace")
		if got.status != 0 || !strings.Contains(got.stdout, `{"verdict":"reject","messages":0,"error":{"code":"`) {
			t.Errorf("got %+v", got)
		}
	})
}

// An input that cannot be read and an output that cannot be written are failures, whatever the verdict.
func TestTraceFails(t *testing.T) {
	for name, redirect := range map[string]func(*exec.Cmd, *os.File){
		"input":  func(cmd *exec.Cmd, unusable *os.File) { cmd.Stdin = unusable },
		"output": func(cmd *exec.Cmd, unusable *os.File) { cmd.Stdout = unusable },
	} {
		t.Run(name, func(t *testing.T) {
			unusable, err := os.Open(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			defer unusable.Close()
			var stderr bytes.Buffer
			cmd := program(t, "trace")
			cmd.Stderr = &stderr
			redirect(cmd, unusable)
			if err := cmd.Run(); cmd.ProcessState.ExitCode() != 1 || !strings.HasPrefix(stderr.String(), "sluice: cannot trace: ") {
				t.Errorf("%v: %s", err, stderr.String())
			}
		})
	}
}

func TestInspect(t *testing.T) {
	writeConfig(t, "")
	for name, wasm := range map[string][]byte{"welcome.wasm": welcomeWasm, "echo.wasm": echoWasm} {
		if err := os.WriteFile(name, wasm, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for args, want := range map[string]struct {
		status int
		stdout string
	}{
		"inspect welcome.wasm":        {0, "ABI            http_events_v1\n"},
		"inspect --json welcome.wasm": {0, "\"problems\": []\n"},
		"inspect echo.wasm":           {0, "problems: 0\n"},
		"inspect a.wasm":              {1, "problems: 1\n"},
		"inspect --json a.wasm":       {1, "\"abi\": \"\",\n"},
	} {
		got := run(t, "", strings.Fields(args)...)
		if got.status != want.status || !strings.Contains(got.stdout, want.stdout) || (got.stderr != "") != (want.status != 0) {
			t.Errorf("%s: got %+v", args, got)
		}
		for line := range strings.Lines(got.stdout) {
			if strings.HasSuffix(line, " \n") {
				t.Errorf("%s: space at the end of %q", args, line)
			}
		}
	}
}

func TestVersion(t *testing.T) {
	got := run(t, "", "version")
	want := regexp.MustCompile(`^sluice  \S+\ngo      go1\.\S+ \w+/\w+\nwazero  v\d+\.\d+\.\d+\S*\nabi     http_events_v1\n$`)
	if got.status != 0 || got.stderr != "" || !want.MatchString(got.stdout) {
		t.Errorf("got %+v", got)
	}
}
