package smuggling

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// run is one payload on its way through a chain.
type run struct {
	number  int
	payload *payload
	sent    string
	// port is the client's.
	port string
	// answers are what came back, and end how the connection ended, empty when it ended in order.
	answers []answer
	end     string
	// gaveUp says that the client ended its side because nothing came any more.
	gaveUp bool
}

// answer is the head of an answer as the client heard it.
type answer struct {
	status int
	// tag is that of the request, empty when the front answered by itself.
	tag string
}

func (r *run) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "run %d, from port %s, payload %q\n  sent      %q\n", r.number, r.port, r.payload.name, clip(r.sent))
	for _, a := range r.answers {
		fmt.Fprintf(&text, "  answered  %d to %q\n", a.status, a.tag)
	}
	if r.gaveUp {
		text.WriteString("  the client gave up waiting\n")
	}
	if r.end != "" {
		fmt.Fprintf(&text, "  ended     %s\n", r.end)
	}
	return text.String()
}

// clip shortens a text that is too long to be read.
func clip(text string) string {
	const most = 2000
	if len(text) > most {
		return text[:most] + "..."
	}
	return text
}

// How long a client waits for an answer before it sends the probe of a stepwise payload, and before it ends its side. Few
// payloads have it wait at all, and what an overloaded machine has it do too early does not count as a finding.
const (
	step     = 200 * time.Millisecond
	patience = 2 * time.Second
)

// play sends a payload and a probe, and hears what comes back until the front closes.
func (c *chain) play(t *testing.T, number int, p *payload) *run {
	r := &run{number: number, payload: p, sent: p.fill(number) + probe(number)}
	socket := c.dial(t, r)
	if socket == nil {
		return r
	}
	defer c.front.ended(r.port)
	defer socket.Close()
	_ = socket.SetDeadline(time.Now().Add(limit))
	progress := make(chan struct{}, 64)
	go func() {
		defer close(progress)
		r.hear(socket, progress)
	}()
	// The front may refuse a payload before all of it is written; what it answers tells.
	if p.stepwise {
		_, _ = io.WriteString(socket, r.sent[:len(r.sent)-len(probe(number))])
		awaitAnswer(progress)
		_, _ = io.WriteString(socket, probe(number))
	} else {
		_, _ = io.WriteString(socket, r.sent)
	}
	r.awaitEnd(socket, progress)
	return r
}

// awaitAnswer waits for an answer, or for a while.
func awaitAnswer(progress <-chan struct{}) {
	select {
	case <-progress:
	case <-time.After(step):
	}
}

// awaitEnd waits until the connection has ended. When nothing comes any more the client ends its side.
func (r *run) awaitEnd(socket *net.TCPConn, progress <-chan struct{}) {
	for {
		select {
		case _, more := <-progress:
			if !more {
				return
			}
		case <-time.After(patience):
			r.gaveUp = true
			_ = socket.CloseWrite()
			for range progress {
			}
			return
		}
	}
}

// dial connects to the front, from a port that no run before has used.
func (c *chain) dial(t *testing.T, r *run) *net.TCPConn {
	for {
		socket, err := net.Dial("tcp", c.front.addr())
		if err != nil {
			c.unreachable.Do(func() { t.Errorf("%s: %v", c.name, err) })
			return nil
		}
		r.port = portOf(socket.LocalAddr())
		if _, used := c.ports.LoadOrStore(r.port, r); !used {
			return socket.(*net.TCPConn)
		}
		socket.Close()
	}
}

// hear reads answers until the connection ends.
func (r *run) hear(socket net.Conn, progress chan<- struct{}) {
	reader := bufio.NewReaderSize(socket, 64<<10)
	for {
		if _, err := reader.Peek(1); err != nil {
			if err != io.EOF && !errors.Is(err, syscall.ECONNRESET) {
				r.end = err.Error()
			}
			return
		}
		response, err := http.ReadResponse(reader, r.requestOf(reader))
		if err != nil && !r.payload.otherVersion {
			r.end = "unreadable: " + err.Error()
		}
		if err != nil {
			return
		}
		if response.StatusCode >= 200 {
			r.answers = append(r.answers, answer{response.StatusCode, response.Header.Get("Tag")})
		}
		_, err = io.Copy(io.Discard, response.Body)
		progress <- struct{}{}
		if err != nil {
			return // an error that the front answers to HEAD may announce content, and then the connection ends
		}
	}
}

// requestOf is a request with the method that the next answer belongs to, for the framing of an answer depends on it. The
// back's answers say so; another that comes first is taken to answer what was sent first.
func (r *run) requestOf(reader *bufio.Reader) *http.Request {
	var head []byte
	for size := 1; size <= reader.Size() && !bytes.Contains(head, []byte("\r\n\r\n")); size = len(head) + 1 {
		if _, err := reader.Peek(size); err != nil {
			break
		}
		head, _ = reader.Peek(reader.Buffered())
	}
	head, _, _ = bytes.Cut(head, []byte("\r\n\r\n"))
	if bytes.Contains(head, []byte("\r\nMethod: HEAD")) || len(r.answers) == 0 && strings.HasPrefix(r.sent, "HEAD ") {
		return &http.Request{Method: http.MethodHead}
	}
	return nil
}
