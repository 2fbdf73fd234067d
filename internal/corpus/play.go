package corpus

import (
	"bytes"
	"fmt"
	"unsafe"

	"github.com/sluicehttp/sluice/abi"
)

// Connection is a connection of a core, with the calls that a host makes.
type Connection interface {
	// Receive has the core read input.
	Receive(input []byte, flags abi.ReceiveFlags) (Reading, error)
	// Ask frames the head of a request.
	Ask(request *Request) error
	// Answer answers the request that was read.
	Answer(reply *Reply) error
	// Restrict sets limits of the connection's own for what follows a head.
	Restrict(limits *abi.Limits) error
}

// Reading is what the core said, as it lies in memory.
type Reading struct {
	// Bytes are the input, where the spans point.
	Bytes []byte
	// Events and Fields are the tables, and Reception says how many events there are.
	Events, Fields, Reception []byte

	// outside says that a span points elsewhere.
	outside bool
}

// Memory is the memory of records.
func Memory[T any](records ...T) []byte {
	var record T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(records))), len(records)*int(unsafe.Sizeof(record)))
}

// Request is a request that a client makes.
type Request struct {
	Method, Target string
	// Fields are names and values in turn.
	Fields []string
	Flags  abi.HeadFlags
}

// Reply is what a server answers: it leaves HTTP, or sends a head without a body.
type Reply struct {
	Upgrade bool
	Status  uint16
	// Fields are names and values in turn.
	Fields []string
	Flags  abi.HeadFlags
}

// Feed says how an input is given.
type Feed struct {
	// Split chooses the size of the next piece, 0 among them, of the bytes that are left.
	Split func(left int) int
	// LateEOF tells of the peer's end in a call of its own.
	LateEOF bool
	// HeadOnly stops behind every head.
	HeadOnly bool
	// Restrict sets the limits of what follows a head only there. It needs HeadOnly.
	Restrict bool
}

// Whole gives everything at once, ByByte one byte at a time.
func Whole(left int) int { return left }
func ByByte(int) int     { return 1 }

// Player is the host of a connection. What was played on it before leaves no trace in what is played next.
type Player struct {
	conn Connection
	// base is where the input begins, position the first byte that is not consumed, both since the connection was opened.
	base, position uint64
	settings       Settings
	feed           Feed

	// rest was given and is not consumed, left is still to be given.
	rest, left []byte
	// next begins the next cycle with the next call.
	next abi.ReceiveFlags
	// asked says that a request is under way, asks how many more there may be.
	asked bool
	asks  int
	// upgrade says that the message asks to leave HTTP, or agrees to.
	upgrade bool

	line  Event
	trace Trace
}

// NewPlayer makes the host of a connection that was just opened.
func NewPlayer(conn Connection) *Player { return &Player{conn: conn} }

// Play gives an input to the connection, and the answers or requests between its messages.
func (p *Player) Play(input []byte, settings Settings, feed Feed) (Trace, error) {
	p.settings, p.feed = settings, feed
	p.base, p.rest, p.left, p.asks = p.position, nil, input, settings.Asks
	p.trace = Trace{}
	if err := p.ask(); err != nil {
		return p.trace, err
	}
	for {
		size := min(max(feed.Split(len(p.left)), 0), len(p.left))
		late := feed.LateEOF && size > 0
		p.rest, p.left = append(p.rest, p.left[:size]...), p.left[size:]
		reception, err := p.give(late)
		if err != nil {
			return p.trace, err
		}
		switch reception.State {
		case abi.ReaderStateFailed, abi.ReaderStateHTTP2Preface:
			p.end(reception, reception.ErrorPosition)
			return p.trace, nil
		}
		if len(p.left) == 0 && !(late && settings.EOF) {
			p.end(reception, p.position)
			return p.trace, nil
		}
	}
}

// end notes where the reader stands.
func (p *Player) end(reception abi.Reception, at uint64) {
	p.trace.End = End{reception.State, at - p.base, reception.Error, reception.ErrorStatus}
}

// give has the connection read what was given, one message after the other.
func (p *Player) give(late bool) (abi.Reception, error) {
	for {
		flags := p.next
		p.next = 0
		if p.settings.EOF && len(p.left) == 0 && !late {
			flags |= abi.ReceiveFlagsEOF
		}
		reception, err := p.receive(flags)
		if err != nil || reception.State != abi.ReaderStatePaused {
			return reception, err
		}
		if again, err := p.goOn(); err != nil || !again {
			return reception, err
		}
	}
}

// goOn does what has to be done between two messages, when anything can be.
func (p *Player) goOn() (bool, error) {
	switch {
	case p.settings.Client:
		return p.goOnAsClient()
	case p.settings.Answer == AnswerNone:
		return false, nil
	case p.settings.Answer == AnswerUpgrade && p.upgrade:
		p.upgrade = false
		return true, p.conn.Answer(&Reply{Upgrade: true, Fields: p.upgradeFields()})
	}
	p.next = abi.ReceiveFlagsNextCycle
	flags := abi.HeadFlagsComplete
	if p.settings.Answer == AnswerClose {
		flags |= abi.HeadFlagsClose
	}
	return true, p.conn.Answer(&Reply{Status: 404, Flags: flags})
}

// upgradeFields are those of the answer that leaves HTTP. The one to CONNECT has none.
func (p *Player) upgradeFields() []string {
	if string(p.line.Method) == "CONNECT" {
		return nil
	}
	return []string{"Upgrade", "any"}
}

// goOnAsClient begins the next cycle and asks, when there is anything left that may be an answer.
func (p *Player) goOnAsClient() (bool, error) {
	if p.settings.Unfinished {
		return false, nil
	}
	p.asked = false
	if len(p.rest)+len(p.left) == 0 {
		p.next = abi.ReceiveFlagsNextCycle
		return true, nil
	}
	rest := p.rest
	p.rest = nil
	reception, err := p.receive(abi.ReceiveFlagsNextCycle)
	p.rest = rest
	if err != nil || reception.State == abi.ReaderStateEnded {
		return err == nil, err
	}
	return true, p.ask()
}

// ask makes a request, when there may be another.
func (p *Player) ask() error {
	if !p.settings.Client || p.asked || p.asks == 0 {
		return nil
	}
	p.asked = true
	p.asks--
	return p.conn.Ask(p.settings.request())
}

// request is the request whose answers the input holds.
func (s *Settings) request() *Request {
	r := &Request{Method: s.Method, Target: "/", Fields: []string{"Host", "h"}, Flags: abi.HeadFlagsComplete}
	if r.Method == "CONNECT" {
		r.Target = "h:1"
	}
	if s.AsksUpgrade {
		r.Fields = append(r.Fields, "Upgrade", "any")
	}
	if s.AsksClose {
		r.Flags |= abi.HeadFlagsClose
	}
	if s.Unfinished {
		r.Flags = abi.HeadFlagsStreamed
	}
	return r
}

// receive makes one call after the other until the core has said everything of the rest.
func (p *Player) receive(flags abi.ReceiveFlags) (abi.Reception, error) {
	if p.feed.HeadOnly {
		flags |= abi.ReceiveFlagsHeadOnly
	}
	for {
		reception, err := p.call(flags)
		if err != nil || reception.State != abi.ReaderStateMore {
			return reception, err
		}
		if reception.Consumed+reception.EventCount == 0 {
			return reception, fmt.Errorf("the reader stands still")
		}
		flags &^= abi.ReceiveFlagsNextCycle
		if p.feed.Restrict {
			if err := p.conn.Restrict(&p.settings.Limits); err != nil {
				return reception, err
			}
		}
	}
}

// call makes one call and takes its records down.
func (p *Player) call(flags abi.ReceiveFlags) (reception abi.Reception, err error) {
	reading, err := p.conn.Receive(p.rest, flags)
	if err != nil {
		return reception, err
	}
	reception.Load(reading.Reception)
	if int(reception.Consumed) > len(p.rest) || reception.Reserved != 0 {
		return reception, fmt.Errorf("reception %+v of %d bytes", reception, len(p.rest))
	}
	for i := range int(reception.EventCount) {
		var record abi.EventRecord
		record.Load(reading.Events[i*abi.EventRecordSize:])
		if err := p.hear(&record, &reading); err != nil {
			return reception, fmt.Errorf("%v at %d: %w", record.Kind, record.Position-p.base, err)
		}
	}
	p.rest = p.rest[reception.Consumed:]
	p.position += uint64(reception.Consumed)
	return reception, nil
}

// hear takes a record down.
func (p *Player) hear(record *abi.EventRecord, reading *Reading) error {
	e := Event{Kind: record.Kind, Offset: record.Position - p.base, Flags: record.Flags, Length: record.Length}
	first, second := reading.span(record.First), reading.span(record.Second)
	switch e.Kind {
	case abi.EventLineReady:
		e.Version, e.Status, e.Target = record.Version, record.Status, second
		if e.Method = first; e.Status != 0 {
			e.Method, e.Reason = nil, first
		}
		p.line = e
	case abi.EventHeaderReady:
		if err := p.sameLine(record, first, second); err != nil {
			return err
		}
		e.Authority = reading.span(record.Authority)
		p.upgrade = e.Flags&abi.EventFlagsUpgrade != 0
	case abi.EventDataReady:
		if e.Data = first; record.First.Size == 0 {
			return fmt.Errorf("a piece of no bytes")
		}
	}
	for i := range int(record.FieldCount) {
		e.Fields = append(e.Fields, reading.field(i))
	}
	p.trace.Events = append(p.trace.Events, e)
	if reading.outside {
		return fmt.Errorf("a span outside of the %d bytes of the input", len(reading.Bytes))
	}
	return p.plausible(record)
}

// sameLine compares what HEADER_READY repeats with LINE_READY.
func (p *Player) sameLine(record *abi.EventRecord, first, second []byte) error {
	line := &p.line
	if want := line.Method; line.Status == 0 && !bytes.Equal(first, want) {
		return fmt.Errorf("method %q, and %q in front", first, want)
	}
	if want := line.Reason; line.Status != 0 && !bytes.Equal(first, want) {
		return fmt.Errorf("reason %q, and %q in front", first, want)
	}
	if !bytes.Equal(second, line.Target) || record.Version != line.Version || record.Status != line.Status {
		return fmt.Errorf("%q %v %d, and %q %v %d in front",
			second, record.Version, record.Status, line.Target, line.Version, line.Status)
	}
	return nil
}

// plausible looks for what a record of its kind never holds.
func (p *Player) plausible(record *abi.EventRecord) error {
	kind := record.Kind
	head := kind == abi.EventLineReady || kind == abi.EventHeaderReady
	empty := abi.Span{}
	switch {
	case record.Reserved != 0,
		!head && (record.Version != 0 || record.Status != 0 || record.Second != empty),
		!head && kind != abi.EventDataReady && record.First != empty,
		kind != abi.EventHeaderReady && (record.Authority != empty || record.Length != 0),
		kind != abi.EventHeaderReady && kind != abi.EventTrailerReady && record.FieldCount != 0:
		return fmt.Errorf("the record %+v says more than it may", *record)
	}
	if n := len(p.trace.Events); n > 1 && p.trace.Events[n-2].Offset > p.trace.Events[n-1].Offset {
		return fmt.Errorf("the event before it begins at %d", p.trace.Events[n-2].Offset)
	}
	return nil
}

// span copies what a span names.
func (r *Reading) span(s abi.Span) []byte {
	end := uint64(s.Offset) + uint64(s.Size)
	if end > uint64(len(r.Bytes)) {
		r.outside = true
		return nil
	}
	return bytes.Clone(r.Bytes[s.Offset:end])
}

// field copies a field.
func (r *Reading) field(i int) Field {
	var f abi.FieldSpan
	f.Load(r.Fields[i*abi.FieldSpanSize:])
	return Field{r.span(f.Name), r.span(f.Value)}
}
