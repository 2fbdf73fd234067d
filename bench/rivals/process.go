package rivals

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"time"
)

const (
	// listenTime is how long a server may take to listen. A sandboxed one compiles its modules first.
	listenTime = 2 * time.Minute
	// endTime is how long it may take to end when it is asked to.
	endTime = 10 * time.Second
)

// Process is a server that runs. What it has used is told by its process and all below it.
type Process struct {
	// Address is where it listens, host and port.
	Address string
	// PID is its process; its workers are below it.
	PID int
	// Started is when it was started.
	Started time.Time

	cmd   *exec.Cmd
	stdin io.Closer // whose end a server in Go ends with
	log   *tail
	ended chan struct{} // closed when it has
}

// Run starts a program that was told to listen at an address, and waits until it does.
func Run(ctx context.Context, cmd *exec.Cmd, address string) (*Process, error) {
	p, err := start(cmd)
	if err != nil {
		return nil, err
	}
	p.Address = address
	if err := p.waitUntilListening(ctx); err != nil {
		p.End()
		return nil, err
	}
	return p, nil
}

// RunPrinting starts a program that prints the address at which it listens, host and port or a URL, at the end of a line.
func RunPrinting(ctx context.Context, cmd *exec.Cmd) (*Process, error) {
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p, err := start(cmd)
	if err != nil {
		return nil, err
	}
	late := time.AfterFunc(listenTime, p.kill)
	defer late.Stop()
	stop := context.AfterFunc(ctx, p.kill)
	defer stop()
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if p.Address = addressIn(lines.Text()); p.Address != "" {
			return p, nil
		}
	}
	p.End()
	return nil, p.failure("it ended before it printed its address")
}

// addressIn is the host and port that a line ends with, with a scheme and a slash around it or not; empty if there is none.
func addressIn(line string) string {
	line = strings.TrimSuffix(strings.TrimSpace(line), "/")
	address := line[strings.LastIndexAny(line, " /")+1:]
	if _, _, err := net.SplitHostPort(address); err != nil {
		return ""
	}
	return address
}

// FreeAddress is one of loopback at which nothing listens, for a program that cannot choose a port by itself.
func FreeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// start starts a program as the leader of a group of processes, which ends with this process.
func start(cmd *exec.Cmd) (*Process, error) {
	p := &Process{cmd: cmd, log: &tail{}, ended: make(chan struct{})}
	leadGroup(cmd)
	cmd.WaitDelay = time.Second // for what its workers, which may outlive it, would still print
	cmd.Stderr = p.log
	if cmd.Stdout == nil {
		cmd.Stdout = p.log
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	p.stdin = stdin
	p.Started = time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p.PID = cmd.Process.Pid
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // how it ends no longer matters: what was measured stands
	}()
	return p, nil
}

// waitUntilListening tries to connect until it can.
func (p *Process) waitUntilListening(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, listenTime)
	defer cancel()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.Address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-p.ended:
			return p.failure("it ended before it listened")
		case <-ctx.Done():
			return p.failure("it does not listen: " + err.Error())
		case <-time.After(time.Millisecond):
		}
	}
}

// Err says that the server has ended, and with what last words, if it has.
func (p *Process) Err() error {
	select {
	case <-p.ended:
		return p.failure("it ended by itself")
	default:
		return nil
	}
}

func (p *Process) failure(what string) error {
	if said := p.log.String(); said != "" {
		return fmt.Errorf("%s; its last words:\n%s", what, said)
	}
	return errors.New(what)
}

// End has the server and all of its processes end, and waits for it.
func (p *Process) End() {
	_ = p.stdin.Close()
	terminate(p.cmd.Process)
	select {
	case <-p.ended:
	case <-time.After(endTime):
	}
	p.kill()
	<-p.ended
}

// kill ends the whole group, of which members may be left when its leader has ended.
func (p *Process) kill() { killGroup(p.cmd.Process) }

// tail keeps the last lines that a program has printed.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(b []byte) (int, error) {
	const most = 2048
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if len(t.text) > most {
		t.text = append(t.text[:0], t.text[len(t.text)-most:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
