package smuggling

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/client"
	"github.com/sluicehttp/sluice/engine/internal/core"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
)

// A reverse proxy made of both of Sluice's roles: a server whose handler is a client.

// pool keeps connections to a back between two requests, whoever makes them.
type pool struct {
	*ledger
	cores *core.Set
	addr  string

	mu   sync.Mutex
	idle []*backConn
}

// backConn is a connection to a back.
type backConn struct {
	*client.Conn
	// last is the tag of the request that it carried last.
	last string
}

// take gives a connection that can carry a request, the one used last if there is any.
func (p *pool) take() (*backConn, error) {
	for {
		c := p.pop()
		if c == nil {
			return p.dial()
		}
		if p.usable(c) {
			return c, nil
		}
		c.Close()
	}
}

// usable reports whether an idle connection can carry a request. It writes down one on which something unasked came.
func (p *pool) usable(c *backConn) bool {
	err := c.Unusable()
	if errors.Is(err, client.ErrUnasked) {
		p.trouble(c.last, "the back sent more answers than it was asked for: "+err.Error())
	}
	return err == nil
}

func (p *pool) pop() *backConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return nil
	}
	c := p.idle[last]
	p.idle = p.idle[:last]
	return c
}

func (p *pool) dial() (*backConn, error) {
	socket, err := net.Dial("tcp", p.addr)
	if err != nil {
		return nil, err
	}
	c, err := client.New(p.cores, socket, client.Times{Continue: time.Second, Head: limit, BodyIdle: limit, WriteIdle: limit})
	if err != nil {
		socket.Close()
		return nil, err
	}
	return &backConn{Conn: c}, nil
}

// put gives a connection back, or closes it when it can carry no further request.
func (p *pool) put(c *backConn) {
	if !p.usable(c) {
		c.Close()
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, c)
}

// close closes all connections, after a last look at what came on them.
func (p *pool) close() {
	time.Sleep(100 * time.Millisecond)
	for c := p.pop(); c != nil; c = p.pop() {
		p.usable(c)
		c.Close()
	}
}

// proxy forwards the requests of one connection.
type proxy struct {
	*ledger
	pool *pool
	// port is the client's, and count how many requests have come.
	port  string
	count int
}

// Serve implements [exchange.Handler].
func (p *proxy) Serve(x exchange.Exchange) error {
	p.count++
	h := &hop{x: x, seen: &forwarded{tag: fmt.Sprintf("%s-%d", p.port, p.count)}}
	var ev exchange.Event
	if err := x.Next(wanted, pieceSize, &ev); err != nil {
		return err
	}
	request := h.request(&ev)
	defer p.forward(h.seen)
	back, err := p.pool.take()
	if err != nil {
		return fmt.Errorf("no back: %w", err)
	}
	h.back, back.last = back, h.seen.tag
	defer p.pool.put(back)
	if err := back.Start(request); err != nil {
		x.Send(statusOf(err), exchange.Fields{}, nil)
		return nil
	}
	if err := h.sendBody(); err != nil {
		return err
	}
	return h.answer()
}

// statusOf is the status that answers a request which a client's connection does not take.
func statusOf(err error) uint16 {
	if errors.Is(err, client.ErrInvalid) || errors.Is(err, client.ErrTooBig) {
		return 400
	}
	return 502
}

// What is heard of a request, in pieces of which size in bytes.
const (
	wanted    = abi.SubscriptionsHeaderReady | abi.SubscriptionsDataReady | abi.SubscriptionsTrailerReady | abi.SubscriptionsReady
	pieceSize = 32 << 10
)

// hop is one exchange on its way.
type hop struct {
	x    exchange.Exchange
	back *backConn
	seen *forwarded
	// bodiless says that the request has no body, and answering that the final answer has begun.
	bodiless, answering bool
	// trailers are those of the answer.
	trailers exchange.Fields
}

// request makes the request that is sent on (RFC 9110 section 7.6, RFC 9112 section 3.2.2).
func (h *hop) request(ev *exchange.Event) *client.Request {
	target, host := originForm(string(ev.Line.Target))
	var length int64
	var fields []string
	expects := false
	dropped := hopByHop(ev.Fields)
	for i := range ev.Fields.Len() {
		name, value, _ := ev.Fields.At(i)
		switch lower := strings.ToLower(string(name)); {
		case lower == "content-length":
			length, _ = strconv.ParseInt(string(value), 10, 64) // the core has checked it
		case lower == "transfer-encoding":
			length = client.Streamed
		case lower == "host":
			if host == "" {
				host = string(value)
			}
		case lower == "expect":
			expects = ev.Line.Version >= abi.VersionHTTP11
		case lower == "tag" || dropped[lower]:
		default:
			fields = append(fields, string(name), string(value))
		}
	}
	if host == "" {
		host = "default"
	}
	h.bodiless = length == 0
	if expects && !h.bodiless {
		fields = append(fields, "Expect", "100-continue")
	}
	fields = append([]string{"Host", host}, append(fields, "Tag", h.seen.tag)...)
	h.seen.line = string(ev.Line.Method) + " " + target
	return &client.Request{
		Method: []byte(string(ev.Line.Method)), Target: []byte(target), Fields: exchange.NewFields(fields...), Length: length,
	}
}

// originForm splits an absolute target into the form for an origin server and the authority. Other targets stay.
func originForm(target string) (origin, host string) {
	_, rest, absolute := strings.Cut(target, "://")
	if target[0] == '/' || target == "*" || !absolute {
		return target, ""
	}
	end := strings.IndexAny(rest, "/?")
	switch {
	case end < 0:
		return "/", rest
	case rest[end] == '?':
		return "/" + rest[end:], rest[:end]
	}
	return rest[end:], rest[:end]
}

// hopByHop names, in lower case, the fields that go no further (RFC 9110 section 7.6.1).
func hopByHop(fields exchange.Fields) map[string]bool {
	dropped := map[string]bool{
		"connection": true, "keep-alive": true, "proxy-connection": true, "te": true, "trailer": true,
		"transfer-encoding": true, "upgrade": true,
	}
	for i := range fields.Len() {
		name, value, _ := fields.At(i)
		if !strings.EqualFold(string(name), "connection") {
			continue
		}
		for option := range strings.SplitSeq(string(value), ",") {
			dropped[strings.ToLower(strings.Trim(option, " \t"))] = true
		}
	}
	return dropped
}

// sendBody hands the body on, until its end or until the back answers.
func (h *hop) sendBody() error {
	var trailers exchange.Fields
	for !h.answering {
		var ev exchange.Event
		if err := h.x.Next(wanted, pieceSize, &ev); err != nil {
			return err
		}
		switch ev.Kind {
		case abi.EventDataReady:
			h.seen.body += string(ev.Data)
			h.seen.length += len(ev.Data)
			if err := h.try(func() error { return h.back.Write(ev.Data) }); err != nil {
				return err
			}
		case abi.EventTrailerReady:
			trailers = copyFields(ev.Fields, nil)
		case abi.EventReady:
			h.seen.complete = true
			if h.bodiless {
				return nil
			}
			return h.try(func() error { return h.back.EndWithTrailers(trailers) })
		}
	}
	return nil
}

// try sends something. When the back is answering, that is heard first, and if it is the final answer nothing more is sent.
func (h *hop) try(send func() error) error {
	for {
		err := send()
		if !errors.Is(err, client.ErrAnswering) {
			return err
		}
		if _, err := h.hear(); err != nil || h.answering {
			return err
		}
	}
}

// copyFields copies a section but for the fields that are dropped, which are named in lower case.
func copyFields(fields exchange.Fields, dropped map[string]bool) exchange.Fields {
	var kept []string
	for i := range fields.Len() {
		if name, value, _ := fields.At(i); !dropped[strings.ToLower(string(name))] {
			kept = append(kept, string(name), string(value))
		}
	}
	return exchange.NewFields(kept...)
}

// answer hands the rest of the answer on.
func (h *hop) answer() error {
	for {
		if done, err := h.hear(); done || err != nil {
			return err
		}
	}
}

// hear hands on the next that comes from the back. An answer that cannot be had is answered 502 (Bad Gateway) by the front
// end.
func (h *hop) hear() (done bool, err error) {
	var ev client.Event
	if err := h.back.Next(&ev); err != nil {
		return false, badGateway{err}
	}
	switch ev.Kind {
	case abi.EventHeaderReady:
		h.answerHead(&ev)
	case abi.EventDataReady:
		return false, h.sendData(ev.Data)
	case abi.EventTrailerReady:
		h.trailers = copyFields(ev.Fields, nil)
	case abi.EventReady:
		h.x.SendTrailers(h.trailers)
		return true, nil
	}
	return false, nil
}

// answerHead hands a head on. A 100 (Continue) was meant for us.
func (h *hop) answerHead(ev *client.Event) {
	fields := copyFields(ev.Fields, hopByHop(ev.Fields))
	switch {
	case ev.Status == 100:
	case ev.Informational():
		h.x.SendInformational(ev.Status, fields)
	default:
		h.answering = true
		h.seen.status, h.seen.answered = int(ev.Status), fieldOf(ev.Fields, "Tag")
		h.x.SendHead(ev.Status, fields)
	}
}

func (h *hop) sendData(piece []byte) error {
	for {
		switch errno := h.x.SendData(piece); errno {
		case abi.ErrnoSuccess:
			return nil
		case abi.ErrnoAgain:
			if err := h.x.WaitWritable(); err != nil {
				return err
			}
		default:
			return badGateway{errno}
		}
	}
}

// badGateway says that no answer can be had from the back.
type badGateway struct{ reason any }

func (e badGateway) Error() string  { return fmt.Sprint("bad gateway: ", e.reason) }
func (e badGateway) Status() uint16 { return 502 }
