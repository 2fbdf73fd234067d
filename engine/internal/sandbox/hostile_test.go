package sandbox_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/hostabi/exchangetest"
	"github.com/sluicehttp/sluice/engine/internal/sandbox"
	. "github.com/sluicehttp/sluice/engine/internal/wasmtest"
)

// Instructions that the assembler has no names for.
var (
	memoryFill = Code{0xfc, 11, 0}
	memoryCopy = Code{0xfc, 10, 0, 0}
	tableGrow  = Code{0xfc, 15, 0}
	tableFill  = Code{0xfc, 17, 0}
	tableCopy  = Code{0xfc, 14, 0, 0}
	refNull    = Code{0xd0, 0x70}
	i64Work    = Code{0x42, 0x7f, 0x42, 3, 0x80, 0x1a} // -1 / 3 without sign, dropped
)

// hostile are handlers that mean harm when they are asked. None must keep its goroutine from others for long, and each must
// be ended by a limit.
var hostile = []struct {
	name string
	code func(h *Handler) Code
	// memory is the limit of the instance's memory, in pages; 0: 16.
	memory uint64
}{
	{name: "a tight loop", code: func(*Handler) Code { return While(Const(1)) }},
	{name: "a loop of divisions", code: func(*Handler) Code { return While(Const(1), bytes.Repeat(i64Work, 200)) }},
	{name: "a long body in a loop", code: func(*Handler) Code {
		return While(Const(1), bytes.Repeat(Store(Const(64), 0, Load(Const(128), 0)), 20_000))
	}},
	{name: "calls that double", code: doubling},
	{name: "calls that double through a table", code: func(h *Handler) Code {
		h.Table(Between(64, 64))
		first := firstFunction(h)
		nothing := h.Type(Signature{})
		h.Func(Signature{}, 0)
		for i := range uint32(40) {
			indirect := Seq(Const(int32(i)), Code{0x11, byte(nothing), 0})
			h.Func(Signature{}, 0, indirect, indirect)
		}
		all := make([]uint32, 41)
		for i := range all {
			all[i] = first + uint32(i)
		}
		h.Elements(0, all...)
		return Call(first + 40)
	}},
	{name: "fills of all memory", memory: 1 << 12, code: func(h *Handler) Code {
		h.Memory = AtLeast(1 << 12) // 256 MiB
		return While(Const(1), Const(0), Const(1), Const(1<<28), memoryFill)
	}},
	{name: "copies of all memory", memory: 1 << 12, code: func(h *Handler) Code {
		h.Memory = AtLeast(1 << 12)
		return While(Const(1), Const(64), Const(0), Const(1<<28-64), memoryCopy)
	}},
	{name: "many small fills", code: func(*Handler) Code {
		return While(Const(1), bytes.Repeat(Seq(Const(0), Const(1), Const(60_000), memoryFill), 50))
	}},
	{name: "memory that grows and grows", memory: 1 << 12, code: func(*Handler) Code {
		return While(Const(1), Drop(MemoryGrow(Const(1))))
	}},
	{name: "table.grow to four billion", code: func(h *Handler) Code {
		h.Table(AtLeast(1))
		return While(Const(1), refNull, Const(-1), tableGrow, Code{0x1a})
	}},
	{name: "table.grow again and again", code: func(h *Handler) Code {
		h.Table(AtLeast(1))
		return While(Const(1), refNull, Const(1), tableGrow, Code{0x1a})
	}},
	{name: "fills of a table", code: func(h *Handler) Code {
		h.Table(Between(1<<17, 1<<17))
		return While(Const(1), Const(0), refNull, Const(1<<17), tableFill)
	}},
	{name: "copies of a table", code: func(h *Handler) Code {
		h.Table(Between(1<<17, 1<<17))
		return While(Const(1), Const(0), Const(1), Const(1<<17-1), tableCopy)
	}},
	{name: "endless recursion", code: func(h *Handler) Code {
		self := firstFunction(h)
		h.Func(Signature{}, 0, Call(self))
		return Call(self)
	}},
	{name: "endless recursion with large frames", code: func(h *Handler) Code {
		self := firstFunction(h)
		h.Func(Signature{}, 10_000, Call(self), Code{0x20, 0, 0x1a})
		return Call(self)
	}},
	{name: "recursion that comes back", code: func(h *Handler) Code {
		self := firstFunction(h)
		deeper := If(Get(0), Call(self, Add(Get(0), Const(-1))), Call(self, Add(Get(0), Const(-1))))
		h.Func(Signature{Params: []ValueType{I32}}, 0, deeper)
		return Call(self, Const(60))
	}},
	{name: "calls of the host", code: func(*Handler) Code {
		return While(Const(1), Drop(Do("get_read_state", Get(Session), Const(0))))
	}},
	{name: "heads of a million fields", memory: 1 << 10, code: func(h *Handler) Code {
		h.Memory = AtLeast(1 << 10)
		return While(Const(1), Drop(Do("send", Get(Session), Const(200), Const(0), Const(1<<22-1), Const(0), Const(0))))
	}},
	{name: "answers that nobody takes", memory: 1 << 10, code: func(h *Handler) Code {
		h.Memory = AtLeast(1 << 10)
		return While(Const(1), Drop(Do("send_data", Get(Session), Const(0), Const(1<<26))))
	}},
	{name: "waking up all the time", code: func(h *Handler) Code {
		return While(Const(1), Drop(Call(wasi(h, "sched_yield", 0, I32))))
	}},
	{name: "randomness for all memory", memory: 1 << 10, code: func(h *Handler) Code {
		h.Memory = AtLeast(1 << 10)
		return While(Const(1), Drop(Call(wasi(h, "random_get", 2, I32), Const(0), Const(1<<26))))
	}},
	{name: "printing all memory", memory: 1 << 10, code: func(h *Handler) Code {
		h.Memory = AtLeast(1 << 10)
		return While(Const(1), Store(Const(0), 4, Const(1<<26-64)),
			Drop(Call(wasi(h, "fd_write", 4, I32), Const(1), Const(0), Const(1), Const(16))))
	}},
}

func firstFunction(h *Handler) uint32 { return h.Functions() }

// doubling has 2^60 calls made by a few functions, without a loop and without recursion.
func doubling(h *Handler) Code {
	next := firstFunction(h)
	h.Func(Signature{}, 0)
	for range 60 {
		h.Func(Signature{}, 0, Call(next), Call(next))
		next++
	}
	return Call(next)
}

// TestHostileHandlers asks each of them under a short limit.
func TestHostileHandlers(t *testing.T) {
	const limit, grain = 10 * time.Millisecond, 50 * time.Millisecond
	for _, test := range hostile {
		t.Run(test.name, func(t *testing.T) {
			h := NewHandler(abi.SubscriptionsReady)
			code := test.code(h)
			h.OnEvent = IfElse(Load(Get(Payload), abi.MessageBodyOffset+4), code, Drop(Do("send_end", Get(Session))))
			l, _ := newLoader(t, sandbox.Config{MaxMemory: max(test.memory, 16) << 16})
			p, err := start(t, l, h.Encode(), sandbox.Limits{CPU: limit})
			if err != nil {
				t.Fatal(err)
			}
			var worst []time.Duration
			for range 3 { // the machine may be busy: what counts is the least of the longest slices
				err := p.Serve(&exchangetest.Exchange{Events: post("body"), Silent: true})
				var fault *sandbox.Fault
				if !errors.As(err, &fault) || fault.Kind == sandbox.FaultInternal {
					t.Fatalf("it ended with %v", err)
				}
				worst = append(worst, p.LongestSlice())
				if err := p.Serve(&exchangetest.Exchange{Events: get()}); err != nil {
					t.Fatalf("afterwards: %v", err)
				}
			}
			slices.Sort(worst)
			t.Logf("held its goroutine for %v", worst)
			if worst[0] > grain {
				t.Errorf("it held its goroutine for %v, want %v at the most", worst[0], grain)
			}
		})
	}
}
