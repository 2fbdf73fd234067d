package smuggling

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The programs among the servers: nginx as front and as back, HAProxy as front. They inherit their listening socket, so
// that they need no port that is free, and nobody has to wait until they listen. What they believed is in their logs.

// program finds a program, or ends the test for want of it.
func program(t *testing.T, name, debian string) string {
	t.Helper()
	for _, candidate := range []string{name, "/usr/sbin/" + name} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path
		}
	}
	message := fmt.Sprintf("%s is missing; on Debian: apt-get install %s", name, debian)
	if os.Getenv("SLUICE_REQUIRE_TOOLCHAINS") == "1" {
		t.Fatal(message)
	}
	t.Skip(message)
	return ""
}

// untilDeadline ends shortly before `go test` gives up, so that no process outlives it.
func untilDeadline(t *testing.T) context.Context {
	deadline, ok := t.Deadline()
	if !ok {
		return t.Context()
	}
	ctx, cancel := context.WithDeadline(t.Context(), deadline.Add(-5*time.Second))
	t.Cleanup(cancel)
	return ctx
}

// runProcess starts a process and has the end of the test wait for it: until it was stopped, or else killed.
func runProcess(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() })
}

// process is a server that is a program.
type process struct {
	*ledger
	t       *testing.T
	dir     string
	address string
	cmd     *exec.Cmd
	// output is what it writes. A pipe would not do: HAProxy leaves out what a pipe does not take at once.
	output *os.File
}

// newProcess has a program listen. start then runs it.
func newProcess(t *testing.T) (p *process, listener *os.File) {
	t.Helper()
	open := listen(t)
	defer open.Close()
	listener, err := open.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	return &process{ledger: &ledger{}, t: t, dir: t.TempDir(), address: open.Addr().String()}, listener
}

// start runs the program with a configuration file.
func (p *process) start(config string, listener *os.File, name string, args ...string) {
	p.t.Helper()
	file := filepath.Join(p.dir, "config")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		p.t.Fatal(err)
	}
	p.cmd = exec.CommandContext(untilDeadline(p.t), name, append(args, file)...)
	p.cmd.Dir = p.dir
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) } // nginx then ends its worker
	p.cmd.WaitDelay = limit
	p.cmd.ExtraFiles = []*os.File{listener} // descriptor 3
	p.cmd.Env = append(os.Environ(), "NGINX=3;")
	var err error
	if p.output, err = os.Create(filepath.Join(p.dir, "output")); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { p.output.Close() })
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	runProcess(p.t, p.cmd)
	listener.Close() // so that nobody waits in vain when the program ends
}

// end has the program end in order.
func (p *process) end(signal syscall.Signal) {
	_ = p.cmd.Process.Signal(signal)
	if err := p.cmd.Wait(); err != nil {
		output, _ := os.ReadFile(p.output.Name())
		p.t.Errorf("%s: %v; it wrote\n%s", p.cmd.Path, err, clip(string(output)))
	}
}

// logged calls take for every line of a log.
func (p *process) logged(name string, take func(line []byte)) {
	log, err := os.ReadFile(filepath.Join(p.dir, name))
	if err != nil {
		p.t.Errorf("%s: %v", p.cmd.Path, err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(log)); lines.Scan(); {
		take(lines.Bytes())
	}
}

// nginx is nginx as front or as back. As a back it forwards to a server of Go, which sees requests in nginx's own framing
// and so tells what nginx believes.
type nginx struct {
	*process
	sink back
}

// nginxConfig is filled with the folder, the address, and the address behind.
const nginxConfig = `
daemon off;
worker_processes 1;
user root;
pid %[1]s/pid;
error_log %[1]s/error.log;
events { worker_connections 1024; }
http {
  log_format run escape=json '{"port":"$remote_port","n":"$connection_requests","status":"$status","behind":"$upstream_status",'
    '"length":"$content_length","line":"$request_method $request_uri","answered":"$upstream_http_tag"}';
  access_log %[1]s/access.log run;
  client_body_temp_path %[1]s/body;
  proxy_temp_path %[1]s/proxy;
  fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi;
  scgi_temp_path %[1]s/scgi;
  client_header_timeout 30s;
  client_body_timeout 30s;
  upstream behind {
    server %[3]s;
    keepalive 16;
  }
  server {
    listen %[2]s;
    location / {
      proxy_pass http://behind;
      proxy_http_version 1.1;
      proxy_next_upstream off;
      proxy_set_header Connection "";
      %[4]s
    }
  }
}
`

func newNginx(t *testing.T, behind, more string) *process {
	path := program(t, "nginx", "nginx")
	p, listener := newProcess(t)
	p.start(fmt.Sprintf(nginxConfig, p.dir, p.address, behind, more), listener, path, "-e", "stderr", "-p", p.dir, "-c")
	return p
}

// nginxForwards are the fields that nginx sets in what it forwards.
const nginxForwards = "proxy_set_header Host $http_host; proxy_set_header Tag $remote_port-$connection_requests;"

// newNginxFront has nginx collect bodies before it forwards them, newNginxStream hand them on as they come.
func newNginxFront(t *testing.T, back string) front {
	return &nginx{process: newNginx(t, back, nginxForwards)}
}

func newNginxStream(t *testing.T, back string) front {
	return &nginx{process: newNginx(t, back, nginxForwards+"proxy_request_buffering off;")}
}

func newNginxBack(t *testing.T) back {
	program(t, "nginx", "nginx")
	sink := newGoBack(t)
	return &nginx{process: newNginx(t, sink.addr(), "proxy_set_header Host sink;"), sink: sink}
}

func (p *process) addr() string { return p.address }
func (p *process) ended(string) {}

func (n *nginx) stop() *ledger {
	n.end(syscall.SIGQUIT)
	if n.sink != nil {
		n.received = n.sink.stop().received
	}
	n.logged("access.log", n.take)
	return n.ledger
}

// take takes a line of nginx's log.
func (n *nginx) take(text []byte) {
	var line struct {
		Port, N, Line, Answered string
		Status, Behind, Length  string
	}
	if err := json.Unmarshal(text, &line); err != nil {
		n.t.Errorf("nginx: %v: %s", err, text)
	}
	switch {
	case n.sink != nil && line.Behind == "":
		n.refuse(string(text))
	case n.sink == nil && line.Behind != "":
		method, target, _ := strings.Cut(line.Line, " ")
		if strings.HasPrefix(target, "?") { // nginx puts a slash in front
			target = "/" + target
		}
		n.forward(&forwarded{
			tag: line.Port + "-" + line.N, line: method + " " + target, length: number(line.Length), bodyUnknown: true,
			complete: number(line.Behind) > 0, // else the client has left before
			status:   number(line.Behind), answered: line.Answered,
		})
	}
}

// number is a number in a log, 0 where there is none.
func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

// haproxy is HAProxy as front.
type haproxy struct{ *process }

// haproxyConfig is filled with the address behind.
const haproxyConfig = `
global
  log stdout len 16384 format raw local0
defaults
  mode http
  timeout connect 30s
  timeout client 30s
  timeout server 30s
  timeout http-request 30s
  option http-keep-alive
  http-reuse always
  retries 0
frontend front
  bind fd@3
  log global
  option http-buffer-request
  http-request set-header Tag %%cp-%%rt
  http-request set-var(txn.target) url
  http-request set-var(txn.length) req.body,hex,length
  http-response set-var(txn.answered) res.hdr(Tag)
  log-format 'run|%%cp|%%rt|%%ST|%%s|%%[var(txn.length)]|%%[var(txn.answered)]|%%tsc|%%HM %%[var(txn.target)]'
  default_backend behind
backend behind
  server behind %[1]s
`

func newHAProxyFront(t *testing.T, back string) front {
	path := program(t, "haproxy", "haproxy")
	p, listener := newProcess(t)
	p.start(fmt.Sprintf(haproxyConfig, back), listener, path, "-db", "-f")
	return &haproxy{process: p}
}

func (h *haproxy) stop() *ledger {
	h.end(syscall.SIGUSR1)
	h.logged("output", h.take)
	return h.ledger
}

// haproxyKnows is the largest body of which HAProxy tells the length, in bytes: larger ones do not fit, in hexadecimal, in its
// buffer of 16 KiB. It counts hexadecimal digits because in text it would stop counting at a NUL.
const haproxyKnows = 4 << 10

// take takes a line of HAProxy's log.
func (h *haproxy) take(text []byte) {
	const fields = 9
	line := strings.SplitN(string(text), "|", fields)
	if len(line) < fields || line[0] != "run" {
		return
	}
	port, n, status, server, length, answered, end := line[1], line[2], line[3], line[4], line[5], line[6], line[7]
	if server == "<NOSRV>" {
		return
	}
	h.forward(&forwarded{
		tag: port + "-" + n, line: line[8], length: number(length) / 2, complete: strings.HasPrefix(end, "-"), bodyUnknown: true,
		lengthUnknown: number(length)/2 > haproxyKnows, status: number(status), answered: strings.TrimPrefix(answered, "-"),
	})
}
