package llhttp

import (
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero/api"
)

// Counter is llhttp at its fastest in this runtime, to be measured: its callbacks read nothing and only count. It parses
// the same input over and over, as messages that follow one another on one connection.
type Counter struct {
	library  library
	instance instance
	size     int
	counts   *Counts
}

// Counts are how often llhttp called back.
type Counts struct {
	// wazero asks the context of a call for values: the plainest is the fastest. Callbacks assert its type.
	context.Context

	// Spans are pieces of the input, Messages are complete.
	Spans, Messages int
}

// OpenCounter compiles a build and puts an input of one or more messages into the memory of an instance.
func OpenCounter(ctx context.Context, build Build, kind Kind, input []byte) (*Counter, error) {
	l, err := open(ctx, build, counting)
	if err != nil {
		return nil, err
	}
	c := &Counter{library: l, size: len(input), counts: &Counts{Context: context.Background()}}
	if c.instance, err = l.start(c.counts, kind); err == nil {
		err = c.instance.load(input)
	}
	if err != nil {
		return nil, errors.Join(err, l.runtime.Close(ctx))
	}
	return c, nil
}

// Close frees the counter.
func (c *Counter) Close() error { return c.library.runtime.Close(context.Background()) }

// Execute parses the input once more. It allocates nothing.
func (c *Counter) Execute() error {
	errno, err := c.instance.run(c.size)
	if err == nil && errno != 0 {
		err = fmt.Errorf("llhttp has error %d", errno)
	}
	return err
}

// Counts are those since the counter was opened.
func (c *Counter) Counts() *Counts { return c.counts }

// counting are the callbacks of a [Counter].
var counting = callbacks{
	"wasm_on_message_begin":    notice,
	"wasm_on_url":              countSpan,
	"wasm_on_status":           countSpan,
	"wasm_on_header_field":     countSpan,
	"wasm_on_header_value":     countSpan,
	"wasm_on_headers_complete": notice,
	"wasm_on_body":             countSpan,
	"wasm_on_message_complete": countMessage,
}

var (
	notice       api.GoFunc = func(_ context.Context, stack []uint64) { stack[0] = 0 }
	countSpan    api.GoFunc = func(ctx context.Context, stack []uint64) { ctx.(*Counts).Spans++; stack[0] = 0 }
	countMessage api.GoFunc = func(ctx context.Context, stack []uint64) { ctx.(*Counts).Messages++; stack[0] = 0 }
)
