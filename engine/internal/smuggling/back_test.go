package smuggling

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os/exec"
	"sync"
	"testing"
)

// back is the server behind. It answers every request 200 without content, with its tag and, in Method, its method.
type back interface {
	// addr is where it listens.
	addr() string
	// stop ends it, and gives what it has received.
	stop() *ledger
}

// goBack is Go's net/http behind.
type goBack struct {
	*ledger
	server   *http.Server
	listener net.Listener
	handling sync.WaitGroup
}

func newGoBack(t *testing.T) back {
	b := &goBack{ledger: &ledger{}, listener: listen(t)}
	b.server = &http.Server{
		Handler: b, DisableGeneralOptionsHandler: true, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	go func() { _ = b.server.Serve(b.listener) }()
	return b
}

func (b *goBack) addr() string { return b.listener.Addr().String() }

func (b *goBack) stop() *ledger {
	b.server.Close()
	b.handling.Wait()
	return b.ledger
}

// ServeHTTP implements [http.Handler].
func (b *goBack) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.handling.Add(1)
	defer b.handling.Done()
	seen := &received{tag: r.Header.Get("Tag"), line: r.Method + " " + r.RequestURI}
	defer b.receive(seen)
	body, err := io.ReadAll(r.Body)
	seen.body, seen.complete = string(body), err == nil
	w.Header().Set("Tag", seen.tag)
	w.Header().Set("Method", r.Method)
}

// nodeBack is Node's http behind: a process that writes down what it receives, a line of JSON each.
type nodeBack struct {
	*ledger
	t       *testing.T
	cmd     *exec.Cmd
	stdin   io.Closer
	address string
	read    chan struct{}
}

func newNodeBack(t *testing.T) back {
	node := program(t, "node", "nodejs")
	b := &nodeBack{ledger: &ledger{}, t: t, cmd: exec.CommandContext(untilDeadline(t), node, "testdata/back.mjs"), read: make(chan struct{})}
	stdout, err := b.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if b.stdin, err = b.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	runProcess(t, b.cmd)
	lines := bufio.NewReader(stdout)
	if b.address, err = lines.ReadString('\n'); err != nil {
		t.Fatalf("node does not listen: %v", err)
	}
	b.address = b.address[:len(b.address)-1]
	go b.readLines(lines)
	return b
}

func (b *nodeBack) addr() string { return b.address }

func (b *nodeBack) stop() *ledger {
	b.stdin.Close()
	<-b.read
	return b.ledger
}

// readLines reads what the process writes down, until it ends.
func (b *nodeBack) readLines(lines io.Reader) {
	defer close(b.read)
	for decoder := json.NewDecoder(lines); ; {
		var line struct {
			Tag, Line, Body, Refused string
			Complete                 bool
		}
		if err := decoder.Decode(&line); err == io.EOF {
			return
		} else if err != nil {
			b.t.Errorf("node: %v", err)
			return
		}
		if line.Refused != "" {
			b.refuse(line.Refused)
			continue
		}
		body, err := base64.StdEncoding.DecodeString(line.Body)
		if err != nil {
			b.t.Errorf("node: %v", err)
		}
		b.receive(&received{tag: line.Tag, line: line.Line, body: string(body), complete: line.Complete})
	}
}
