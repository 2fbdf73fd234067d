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

// player plays a case.
type player struct {
	s    *server
	jobs int // the most that a connection is given to send
	// peers are the connections by name, most often one without; nil for one that was ended.
	peers map[string]*peer
}

// play plays the steps of a case until one fails, and then the end.
func (p *player) play(c *Case) *failure {
	p.jobs = 2*len(c.steps) + 4
	p.peers = map[string]*peer{}
	for _, step := range c.steps {
		if f := step.play(p); f != nil {
			for name := range p.peers {
				p.abort(name)
			}
			return f
		}
	}
	return p.leaveAll()
}

// peer is the connection of a name. It is made when it is used first.
func (p *player) peer(name string) (*peer, *failure) {
	peer, used := p.peers[name]
	switch {
	case !used:
		return p.connect(name)
	case peer == nil:
		return nil, &failure{what: "there is no connection any more; 'connect' in a block of the kind peer makes one"}
	}
	return peer, nil
}

// connect makes a connection.
func (p *player) connect(name string) (*peer, *failure) {
	conn, err := p.s.listener.dial()
	if err != nil {
		return nil, &failure{what: fmt.Sprintf("no connection: %v", err)}
	}
	p.peers[name] = newPeer(conn, p.s.setup.Timeout, p.jobs)
	return p.peers[name], nil
}

// abort ends a connection at once.
func (p *player) abort(name string) {
	if peer := p.peers[name]; peer != nil {
		peer.close()
		p.peers[name] = nil
	}
}

// leaveAll ends every connection. Those with answers of which only a part was due are first: others may have to wait for them.
func (p *player) leaveAll() (first *failure) {
	for name, peer := range p.peers {
		if peer != nil && peer.answer != nil {
			p.abort(name)
		}
	}
	for name := range p.peers {
		if f := p.leave(name); first == nil {
			first = f
		}
	}
	return first
}

// leave ends a connection in good order: the peer closes its side, and nothing more must come. An answer of which only a part
// was due is cut.
func (p *player) leave(name string) *failure {
	defer p.abort(name)
	peer := p.peers[name]
	if peer == nil || peer.answer != nil {
		return nil
	}
	peer.jobs <- job{end: true}
	rest, err := peer.rest()
	switch {
	case len(rest) > 0:
		return tooMuch(rest)
	case err != nil:
		return &failure{what: fmt.Sprintf("the connection is still open %v after the peer has closed its side", peer.timeout)}
	}
	return nil
}

func tooMuch(rest []byte) *failure {
	return &failure{what: "more came than is due", diff: []string{"  + " + excerpt(rest, 0)}}
}

// at says where in the suite's file a step stands that has failed, if it has.
func (f *failure) at(line int) *failure {
	if f != nil {
		f.line = line
	}
	return f
}

func (s *send) play(p *player) *failure {
	peer, f := p.peer(s.peer)
	if f == nil {
		peer.send(s)
	}
	return f.at(s.line)
}

func (r *receive) play(p *player) *failure {
	peer, f := p.peer(r.peer)
	if f != nil {
		return f.at(r.line)
	}
	_ = peer.conn.SetReadDeadline(time.Now().Add(peer.timeout))
	d := &diff{}
	if err := r.receive(d, peer); err != nil {
		return r.broken(peer, d, err)
	}
	if d.differ {
		return &failure{line: r.line, what: "the answer is not as it is due", diff: d.text}
	}
	return nil
}

// receive reads what is due and compares it. An error says that it cannot be read.
func (r *receive) receive(d *diff, p *peer) error {
	if !r.part.isLater() {
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
	if !r.part.isOpen() {
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
		if r.part.isOpen() {
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

// act is a step of a block of the kind peer.
type act struct {
	line int
	// peer is the name of the connection.
	peer string
	do   func(p *player, name string) *failure
}

func (a *act) play(p *player) *failure { return a.do(p, a.peer).at(a.line) }

// readPeer reads a block of the kind peer, a step in each line.
func (c *Case) readPeer(line int, settings, content []string) error {
	name := ""
	for _, setting := range settings {
		if !strings.HasPrefix(setting, "@") {
			return fmt.Errorf("peer has no setting %q; it has @NAME", setting)
		}
		name = setting
	}
	for i, text := range content {
		if text == "" {
			continue
		}
		do, err := readAct(text)
		if err != nil {
			return err
		}
		if text == "abort" || text == "half-close" {
			c.draftOf(name).open = false
		}
		c.steps = append(c.steps, &act{line + 1 + i, name, do})
	}
	return nil
}

// readAct reads a line of a block of the kind peer.
func readAct(text string) (do func(*player, string) *failure, err error) {
	if argument, found := strings.CutPrefix(text, "wait "); found {
		pause, err := time.ParseDuration(argument)
		if err != nil || pause <= 0 || pause > time.Minute {
			return nil, fmt.Errorf("'%s': a wait is a time up to 1m, such as 300ms", text)
		}
		return wait(pause), nil
	}
	if argument, found := strings.CutPrefix(text, "sent below "); found {
		most, err := size(argument)
		return sentBelow(most), err
	}
	acts := map[string]func(*player, string) *failure{
		"abort": abort, "half-close": halfClose, "connect": reconnect, "closed": closed,
	}
	if do = acts[text]; do == nil {
		return nil, fmt.Errorf("a peer cannot '%s'; it can 'wait 300ms', 'sent below SIZE', 'abort', 'half-close', 'connect', 'closed'", text)
	}
	return do, nil
}

// wait has the peer do nothing for a while. Nor does it read.
func wait(pause time.Duration) func(*player, string) *failure {
	return func(p *player, name string) *failure {
		_, f := p.peer(name)
		time.Sleep(pause)
		return f
	}
}

// sentBelow looks at how much the peer could send so far.
func sentBelow(most int64) func(*player, string) *failure {
	return func(p *player, name string) *failure {
		peer, f := p.peer(name)
		if f != nil {
			return f
		}
		if sent := peer.sent.Load(); sent >= most {
			return &failure{what: fmt.Sprintf("the server took %d bytes from a peer that does not read; less than %d are due", sent, most)}
		}
		return nil
	}
}

// abort closes the connection when everything has gone out.
func abort(p *player, name string) *failure {
	peer, f := p.peer(name)
	if f != nil {
		return f
	}
	if err := peer.flush(); err != nil {
		return &failure{what: err.Error()}
	}
	p.abort(name)
	return nil
}

// halfClose closes the peer's side when everything has gone out.
func halfClose(p *player, name string) *failure {
	peer, f := p.peer(name)
	if f == nil {
		peer.jobs <- job{end: true}
	}
	return f
}

// reconnect makes a new connection in place of the one that is there, which must have nothing more to say.
func reconnect(p *player, name string) *failure {
	if f := p.leave(name); f != nil {
		return f
	}
	_, f := p.connect(name)
	return f
}

// closed waits until the server closes the connection. Nothing may come before.
func closed(p *player, name string) *failure {
	peer, f := p.peer(name)
	if f != nil {
		return f
	}
	rest, err := peer.rest()
	switch {
	case len(rest) > 0:
		return tooMuch(rest)
	case err != nil:
		return &failure{what: fmt.Sprintf("the server did not close the connection within %v", peer.timeout)}
	}
	return nil
}
