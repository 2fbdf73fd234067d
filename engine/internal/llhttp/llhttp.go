// Package llhttp runs llhttp, the parser of Node.js, in the runtime that our own core runs in. It is a second opinion on
// what bytes mean, and a rival in measurements: tests and benchmarks import it, and nothing that is shipped may.
//
// It comes as the WebAssembly module in the npm package undici, whose version package.json pins. undici only reads
// responses, but the module reads requests as well. It calls back for a part of what llhttp can tell: not for methods and
// versions, which have to be asked for, and not for chunks.
//
// Its files, top down: llhttp (a parser that remembers what it heard), outcome (what that was), counter (a parser that
// does as little as possible, to be measured), instance (the module in the runtime), package (where the module is found).
package llhttp

import (
	"context"
	"fmt"

	"github.com/tetratelabs/wazero/api"
)

// Kind is what a parser reads. The numbers are llhttp's.
type Kind uint64

const (
	// Both reads what the first message turns out to be.
	Both Kind = iota
	// Request reads requests.
	Request
	// Response reads responses.
	Response
)

// Library is llhttp, compiled once for any number of parsers.
type Library struct{ library }

// Open finds llhttp and compiles it. The error is [ErrNotInstalled] where the npm package is missing.
func Open(ctx context.Context) (*Library, error) {
	return OpenBuild(ctx, SIMD)
}

// OpenBuild is [Open] for one of the builds.
func OpenBuild(ctx context.Context, build Build) (*Library, error) {
	l, err := open(ctx, build, recording)
	if err != nil {
		return nil, err
	}
	return &Library{l}, nil
}

// Close ends the library. Its parsers must be closed.
func (l *Library) Close(ctx context.Context) error { return l.runtime.Close(ctx) }

// Parser reads the messages of one connection after another. It has an instance of its own, and belongs to one
// goroutine.
//
// An error of one of its methods says that llhttp trapped or is not the one that this package knows. What llhttp thinks
// of its input is in the outcome.
type Parser struct {
	instance

	heard Outcome
	// last is the callback that came before, which decides whether a span goes on or begins something.
	last part
}

// part is a piece of a header section.
type part int

const (
	neither part = iota
	fieldName
	fieldValue
)

// NewParser makes a parser. Close it before the library.
func (l *Library) NewParser(kind Kind) (*Parser, error) {
	p := &Parser{}
	var err error
	if p.instance, err = l.start(&caller{context.Background(), p}, kind); err != nil {
		return nil, err
	}
	return p, nil
}

// caller is the context of every call into a parser's instance. Callbacks find the parser by asserting its type.
type caller struct {
	context.Context
	parser *Parser
}

// Close frees the parser.
func (p *Parser) Close() error { return p.close() }

// Parse is [Parser.Reset] and [Parser.Execute]: the input is all that a connection brings so far.
func (p *Parser) Parse(input []byte) (Outcome, error) {
	if err := p.Reset(); err != nil {
		return Outcome{}, err
	}
	return p.Execute(input)
}

// Reset begins a connection.
func (p *Parser) Reset() error {
	p.heard, p.last = Outcome{}, neither
	_, err := p.call("llhttp_reset", p.parser)
	return err
}

// Execute parses the next bytes of a connection and tells all that was heard of it, in a list that following calls of
// Execute go on with. After an error, or after a message that leaves HTTP, llhttp reads nothing more, and the outcome
// stays as it is.
func (p *Parser) Execute(input []byte) (Outcome, error) {
	if p.heard.Error != "" {
		return p.heard, nil
	}
	if err := p.load(input); err != nil {
		return Outcome{}, err
	}
	errno, err := p.run(len(input))
	if err != nil {
		return Outcome{}, err
	}
	if errno != 0 {
		return p.failed(errno)
	}
	p.heard.Offset += len(input)
	return p.heard, nil
}

// Finish tells the end of a connection's bytes. It completes a message that goes on until then, and fails with
// INVALID_EOF_STATE within any other.
func (p *Parser) Finish() (Outcome, error) {
	if p.heard.Error != "" {
		return p.heard, nil
	}
	errno, err := p.call("llhttp_finish", p.parser)
	if err != nil {
		return Outcome{}, err
	}
	if errno != 0 {
		return p.named(errno)
	}
	return p.heard, nil
}

// failed takes the error of a call of llhttp_execute, whose position is an address in the buffer.
func (p *Parser) failed(errno uint64) (Outcome, error) {
	address, err := p.call("llhttp_get_error_pos", p.parser)
	if err != nil {
		return Outcome{}, err
	}
	p.heard.Offset += int(uint32(address) - p.buffer)
	return p.named(errno)
}

// named gives an error its name and its reason.
func (p *Parser) named(errno uint64) (Outcome, error) {
	name, err := p.text("llhttp_errno_name", errno)
	if err != nil {
		return Outcome{}, err
	}
	reason, err := p.text("llhttp_get_error_reason", p.parser)
	if err != nil {
		return Outcome{}, err
	}
	p.heard.fail(name, reason)
	return p.heard, nil
}

// recording are the callbacks of a [Parser]. Their first parameter is the address of the llhttp_t, of which an instance
// has one; a span follows as its address and its size.
var recording = callbacks{
	"wasm_on_message_begin": func(ctx context.Context, stack []uint64) {
		p := ctx.(*caller).parser
		p.heard.Messages = append(p.heard.Messages, Message{})
		p.last = neither
		stack[0] = 0
	},
	"wasm_on_url": onSpan(func(p *Parser, m *Message, span string) {
		m.Target += span
		m.Method = p.method()
	}),
	"wasm_on_status":       onSpan(func(_ *Parser, m *Message, span string) { m.Reason += span }),
	"wasm_on_header_field": onSpan(func(p *Parser, m *Message, span string) { p.hearName(m, span) }),
	"wasm_on_header_value": onSpan(func(p *Parser, m *Message, span string) { p.hearValue(m, span) }),
	"wasm_on_headers_complete": func(ctx context.Context, stack []uint64) {
		p := ctx.(*caller).parser
		m := p.message()
		m.HeadComplete = true
		m.Status, m.Upgrade, m.KeepAlive = int(stack[1]), stack[2] != 0, stack[3] != 0
		m.Major, m.Minor = int(p.ask("llhttp_get_http_major")), int(p.ask("llhttp_get_http_minor"))
		p.last = neither
		stack[0] = 0
	},
	"wasm_on_body": onSpan(func(_ *Parser, m *Message, span string) { m.Body += span }),
	"wasm_on_message_complete": func(ctx context.Context, stack []uint64) {
		ctx.(*caller).parser.message().Complete = true
		stack[0] = 0
	},
}

// onSpan is a callback that hears a span of the input.
func onSpan(hear func(p *Parser, m *Message, span string)) api.GoFunc {
	return func(ctx context.Context, stack []uint64) {
		p := ctx.(*caller).parser
		span, ok := p.memory.Read(uint32(stack[1]), uint32(stack[2]))
		if !ok {
			panic(fmt.Errorf("llhttp told of %d bytes at %d, outside of its memory", stack[2], stack[1]))
		}
		hear(p, p.message(), string(span))
		stack[0] = 0
	}
}

// message is the message that is being read. A callback that panics ends the call with an error.
func (p *Parser) message() *Message {
	count := len(p.heard.Messages)
	if count == 0 {
		panic("llhttp told of a message that has not begun")
	}
	return &p.heard.Messages[count-1]
}

// method is the name of the method of the request that is being read. llhttp knows it from the first space on.
func (p *Parser) method() string {
	name, err := p.text("llhttp_method_name", p.ask("llhttp_get_method"))
	if err != nil {
		panic(err)
	}
	return name
}

// ask asks for a property of the parser, within a callback.
func (p *Parser) ask(export string) uint64 {
	value, err := p.call(export, p.parser)
	if err != nil {
		panic(err)
	}
	return value
}

// hearName hears a name or the next piece of one: it comes in pieces where the input does.
func (p *Parser) hearName(m *Message, span string) {
	section := m.section()
	if p.last != fieldName {
		*section = append(*section, Field{})
		p.last = fieldName
	}
	(*section)[len(*section)-1].Name += span
}

// hearValue hears a value or the next piece of one: it comes in pieces where the input does, and where it is folded.
func (p *Parser) hearValue(m *Message, span string) {
	section := m.section()
	if len(*section) == 0 {
		panic("llhttp told of a value without a name")
	}
	p.last = fieldValue
	(*section)[len(*section)-1].Value += span
}
