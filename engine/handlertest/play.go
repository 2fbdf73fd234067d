package handlertest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// step is one thing that a case does or waits for.
type step interface {
	play(p *player) *failure
}

// failure says what was not as it is due.
type failure struct {
	// line is where in the suite's file that stands; 0: the heading's.
	line int
	what string
	// diff shows what was due beside what came; it may be empty.
	diff []string
	// hint is what may be the reason, if the log does not say it.
	hint string
}

// player plays a case: it has one connection at a time.
type player struct {
	s    *server
	jobs int // the most that a connection is given to send
	peer *peer
}

// play plays the steps of a case until one fails, and then the end.
func (p *player) play(c *Case) *failure {
	p.jobs = 2*len(c.steps) + 4
	if f := p.connect(); f != nil {
		return f
	}
	for _, step := range c.steps {
		if f := step.play(p); f != nil {
			p.abort()
			return f
		}
	}
	return p.leave()
}

// connect makes a connection.
func (p *player) connect() *failure {
	conn, err := p.s.listener.dial()
	if err != nil {
		return &failure{what: fmt.Sprintf("no connection: %v", err)}
	}
	p.peer = newPeer(conn, p.s.setup.Timeout, p.jobs)
	return nil
}

// abort ends the connection at once.
func (p *player) abort() {
	if p.peer != nil {
		p.peer.close()
		p.peer = nil
	}
}

// leave ends the connection in good order: the peer closes its side, and nothing more must come. An answer of which only a
// part is due is cut.
func (p *player) leave() *failure {
	defer p.abort()
	if p.peer == nil || p.peer.answer != nil {
		return nil
	}
	p.peer.jobs <- job{end: true}
	rest, err := p.peer.rest()
	switch {
	case len(rest) > 0:
		return &failure{what: "more came than is due", diff: []string{"  + " + excerpt(rest, 0)}}
	case err != nil:
		return &failure{what: fmt.Sprintf("the connection is still open %v after the peer has closed its side", p.s.setup.Timeout)}
	}
	return nil
}

// noConnection is what is wrong with a step that wants a connection and has none.
const noConnection = "there is no connection any more; 'connect' in a block of the kind peer makes one"

func (s *send) play(p *player) *failure {
	if p.peer == nil {
		return &failure{line: s.line, what: noConnection}
	}
	p.peer.send(s)
	return nil
}

func (r *receive) play(p *player) *failure {
	if p.peer == nil {
		return &failure{line: r.line, what: noConnection}
	}
	_ = p.peer.conn.SetReadDeadline(time.Now().Add(p.peer.timeout))
	d := &diff{}
	if err := r.receive(d, p.peer); err != nil {
		return r.broken(p.peer, d, err)
	}
	if d.differ {
		return &failure{line: r.line, what: "the answer is not as it is due", diff: d.text}
	}
	return nil
}

// receive reads what is due and compares it. An error says that it cannot be read.
func (r *receive) receive(d *diff, p *peer) error {
	if r.part == whole || r.part == begins {
		if err := r.receiveHead(d, p); err != nil {
			return err
		}
	}
	if p.answer == nil {
		return errNoAnswer
	}
	if d.differ {
		r.showBody(d, p)
		return nil
	}
	if len(d.text) > 0 && (r.body.given || r.body.pattern != nil) {
		d.same("")
	}
	if err := r.checkBody(d, p.answer.Body); err != nil {
		return fmt.Errorf("%w: %w", errBody, err)
	}
	if r.part == whole || r.part == ends {
		if len(r.trailers) > 0 {
			d.same("")
			checkFields(d, r.trailers, p.answer.Trailer)
		}
		p.answer = nil
	}
	return nil
}

var (
	errNoAnswer = errors.New("no answer has begun: 'receive begins' comes in front of 'goes-on' and 'ends'")
	errBody     = errors.New("body")
)

// receiveHead reads a head, and informational answers in front of it where that does not matter.
func (r *receive) receiveHead(d *diff, p *peer) error {
	for {
		answer, err := p.readHead()
		if err != nil {
			return err
		}
		informational := answer.StatusCode < 200 && answer.StatusCode != http.StatusSwitchingProtocols
		if informational && r.skip1xx && !r.informational() {
			continue
		}
		p.answer = answer
		r.checkHead(d, answer)
		return nil
	}
}

// showBody adds the begin of a body that came with a head that is not due: often it says why.
func (r *receive) showBody(d *diff, p *peer) {
	_ = p.conn.SetReadDeadline(time.Now().Add(time.Second / 10))
	body, _ := io.ReadAll(io.LimitReader(p.answer.Body, before+after))
	if len(body) > 0 {
		d.text = append(d.text, "", "  + "+excerpt(body, 0))
	}
}

// broken says why there is nothing to compare.
func (r *receive) broken(p *peer, d *diff, err error) *failure {
	f := &failure{line: r.line, diff: d.text}
	inBody := errors.Is(err, errBody)
	var timeout net.Error
	switch {
	case errors.Is(err, errNoAnswer):
		f.what = err.Error()
	case errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, os.ErrDeadlineExceeded):
		f.what = fmt.Sprintf("no answer came within %v", p.timeout)
		if inBody {
			f.what = fmt.Sprintf("the body that is due did not come within %v", p.timeout)
		}
		if r.part == begins || r.part == goesOn {
			f.hint = "the handler may be waiting for the end of the request before it answers"
		}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), isReset(err):
		f.what = "the connection was closed, and no answer came"
		if inBody {
			f.what = "the answer broke off before its end"
		}
	default:
		f.what = "what came is not an answer: " + strings.TrimPrefix(err.Error(), errBody.Error()+": ")
	}
	return f
}

// steps of a block of the kind peer.
type (
	// wait has the peer do nothing for a while, reading included.
	wait time.Duration
	// sentBelow says that the peer could send less than so many bytes of what it has to send, so far.
	sentBelow struct {
		line int
		most int64
	}
	// flush waits until everything has gone out; abort then closes the connection, halfClose only the peer's side.
	abort     struct{ line int }
	halfClose struct{ line int }
	// connect makes a new connection in place of the one that is there, which must have nothing more to say.
	connect struct{ line int }
	// closed says that the server closes the connection, and that nothing comes before.
	closed struct{ line int }
)

// readPeer reads a block of the kind peer, a step in each line.
func (c *Case) readPeer(line int, content []string) error {
	for i, text := range content {
		at := line + 1 + i
		switch verb, argument, _ := strings.Cut(text, " "); {
		case text == "":
		case verb == "wait":
			pause, err := time.ParseDuration(argument)
			if err != nil || pause <= 0 || pause > time.Minute {
				return fmt.Errorf("'%s': a wait is a time up to 1m, such as 300ms", text)
			}
			c.steps = append(c.steps, wait(pause))
		case strings.HasPrefix(text, "sent below "):
			most, err := size(strings.TrimPrefix(text, "sent below "))
			if err != nil {
				return err
			}
			c.steps = append(c.steps, &sentBelow{at, most})
		case text == "abort":
			c.steps = append(c.steps, &abort{at})
			c.draft.open = false
		case text == "half-close":
			c.steps = append(c.steps, &halfClose{at})
			c.draft.open = false
		case text == "connect":
			c.steps = append(c.steps, &connect{at})
		case text == "closed":
			c.steps = append(c.steps, &closed{at})
		default:
			return fmt.Errorf("a peer cannot %q; it can 'wait 300ms', 'sent below SIZE', 'abort', 'half-close', 'connect', 'closed'", text)
		}
	}
	return nil
}

func (w wait) play(*player) *failure {
	time.Sleep(time.Duration(w))
	return nil
}

func (s *sentBelow) play(p *player) *failure {
	if p.peer == nil {
		return &failure{line: s.line, what: noConnection}
	}
	if sent := p.peer.sent.Load(); sent >= s.most {
		return &failure{line: s.line, what: fmt.Sprintf("the server took %d bytes from a peer that does not read; less than %d are due", sent, s.most)}
	}
	return nil
}

func (a *abort) play(p *player) *failure {
	if p.peer == nil {
		return &failure{line: a.line, what: noConnection}
	}
	if err := p.peer.flush(); err != nil {
		return &failure{line: a.line, what: err.Error()}
	}
	p.abort()
	return nil
}

func (h *halfClose) play(p *player) *failure {
	if p.peer == nil {
		return &failure{line: h.line, what: noConnection}
	}
	p.peer.jobs <- job{end: true}
	return nil
}

func (c *connect) play(p *player) *failure {
	if p.peer != nil {
		if f := p.leave(); f != nil {
			f.line = c.line
			return f
		}
	}
	return p.connect()
}

func (c *closed) play(p *player) *failure {
	if p.peer == nil {
		return &failure{line: c.line, what: noConnection}
	}
	rest, err := p.peer.rest()
	switch {
	case len(rest) > 0:
		return &failure{line: c.line, what: "more came than is due", diff: []string{"  + " + excerpt(rest, 0)}}
	case err != nil:
		return &failure{line: c.line, what: fmt.Sprintf("the server did not close the connection within %v", p.peer.timeout)}
	}
	return nil
}
