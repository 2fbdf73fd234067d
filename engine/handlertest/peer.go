package handlertest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// peer is the client's end of a connection. What it sends goes out in a goroutine of its own, so that it can read meanwhile.
type peer struct {
	conn    net.Conn
	timeout time.Duration
	in      *bufio.Reader

	jobs chan job
	// sent is how many bytes have gone out.
	sent atomic.Int64
	// told has what was told to a request that waits for 100 (Continue): to go on, or, by an answer, not to.
	told chan bool
	// writeErr is why nothing more can be sent; to be looked at when ended is closed.
	writeErr error
	ended    chan struct{}
	// gone is closed when the connection is.
	gone chan struct{}

	// methods are those of the requests whose answers are due.
	methods []string
	// answer is the answer whose body is being read, nil between two.
	answer *http.Response
}

// job is something that is to be sent.
type job struct {
	bytes, held []byte
	piece       int
	// end has the peer close its side.
	end bool
	// done is closed when the job is done, unless it is nil.
	done chan struct{}
}

func newPeer(conn net.Conn, timeout time.Duration, jobs int) *peer {
	p := &peer{
		conn: conn, timeout: timeout, in: bufio.NewReader(conn),
		jobs: make(chan job, jobs), told: make(chan bool, 1), ended: make(chan struct{}), gone: make(chan struct{}),
	}
	go p.write()
	return p
}

// close ends the connection at once, on both sides.
func (p *peer) close() {
	close(p.gone)
	p.conn.Close()
	close(p.jobs)
	<-p.ended
}

// write sends what is to be sent until the peer is closed.
func (p *peer) write() {
	defer close(p.ended)
	for j := range p.jobs {
		p.do(j)
		if j.done != nil {
			close(j.done)
		}
	}
}

func (p *peer) do(j job) {
	p.writeBytes(j.bytes, j.piece)
	if len(j.held) > 0 && p.writeErr == nil {
		select {
		case goOn := <-p.told:
			if goOn {
				p.writeBytes(j.held, j.piece)
			}
		case <-p.gone:
			p.writeErr = net.ErrClosed
		case <-time.After(p.timeout):
			p.writeErr = errors.New("no 100 (Continue) came")
		}
	}
	if half, ok := p.conn.(interface{ CloseWrite() error }); ok && j.end && p.writeErr == nil {
		p.writeErr = half.CloseWrite()
	}
}

// largestPiece is the most that is written at a time, in bytes.
const largestPiece = 64 << 10

func (p *peer) writeBytes(b []byte, piece int) {
	if piece == 0 {
		piece = largestPiece
	}
	for len(b) > 0 && p.writeErr == nil {
		_ = p.conn.SetWriteDeadline(time.Now().Add(p.timeout))
		var n int
		n, p.writeErr = p.conn.Write(b[:min(piece, len(b))])
		p.sent.Add(int64(n))
		b = b[n:]
	}
}

// readHead waits for the head of an answer. It tells a request that waits for 100 (Continue) what has come.
func (p *peer) readHead() (*http.Response, error) {
	method := http.MethodGet
	if len(p.methods) > 0 {
		method = p.methods[0]
	}
	answer, err := http.ReadResponse(p.in, &http.Request{Method: method})
	if err != nil {
		return nil, err
	}
	informational := answer.StatusCode < 200 && answer.StatusCode != http.StatusSwitchingProtocols
	if !informational && len(p.methods) > 0 {
		p.methods = p.methods[1:]
	}
	if answer.StatusCode == http.StatusContinue || !informational {
		select {
		case p.told <- answer.StatusCode == http.StatusContinue:
		default:
		}
	}
	return answer, nil
}

// send has a request, or a part of one, go out behind what is to be sent already.
func (p *peer) send(s *send) {
	if s.method != "" {
		p.methods = append(p.methods, s.method)
	}
	if len(s.held) > 0 {
		select {
		case <-p.told: // by the answer to an earlier request
		default:
		}
	}
	p.jobs <- job{bytes: s.bytes, held: s.held, piece: s.piece}
}

// flush waits until everything has gone out.
func (p *peer) flush() error {
	done := make(chan struct{})
	p.jobs <- job{done: done}
	select {
	case <-done:
		return nil
	case <-time.After(p.timeout):
		return fmt.Errorf("the server did not take within %v what the peer sends", p.timeout)
	}
}

// rest reads what comes until the server closes the connection.
func (p *peer) rest() ([]byte, error) {
	_ = p.conn.SetReadDeadline(time.Now().Add(p.timeout))
	rest, err := io.ReadAll(io.LimitReader(p.in, 4<<10))
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil // a reset is an end, too
	}
	return rest, err
}
