package hostabi_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
	. "github.com/sluicehttp/sluice/engine/internal/hostabi"
	"github.com/sluicehttp/sluice/engine/internal/hostabi/exchangetest"
	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
	"github.com/sluicehttp/sluice/engine/internal/wasmtest"
)

// Where things lie in the memory of the tests' guest, which has one page.
const (
	recordAddress = 64
	tableAddress  = 256
	bytesAddress  = 1024
	bufferAddress = 8192
	memorySize    = wasmruntime.PageSize
)

// guest is a module that passes every call of the same name on to the imports, so that tests call these as wasm does.
type guest struct {
	testing.TB
	*Call
	*Session
	module api.Module
	memory api.Memory
	x      *exchangetest.Exchange
}

func newGuest(t testing.TB, want abi.Subscriptions, bufferSize uint32) *guest {
	t.Helper()
	r, err := wasmruntime.New(t.Context(), wasmruntime.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(context.Background()) })
	if _, err = Register(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	compiled, err := r.Compile(t.Context(), passOn())
	if err != nil {
		t.Fatal(err)
	}
	module, err := r.Instantiate(t.Context(), compiled, wazero.NewModuleConfig(), memorySize)
	if err != nil {
		t.Fatal(err)
	}
	g := &guest{TB: t, Call: NewMeteredCall(Limits{}), module: module, memory: module.Memory(), x: &exchangetest.Exchange{}}
	g.Attach(g.memory, want)
	g.setBuffer(bufferAddress, bufferSize)
	g.Session = g.Begin(g.x)
	return g
}

func passOn() []byte {
	var m wasmtest.Module
	var imports []uint32
	for _, f := range abi.HandlerImports {
		imports = append(imports, m.Import(abi.HandlerImportModule, f.Name, signature(f)))
	}
	for i, f := range abi.HandlerImports {
		var args []wasmtest.Code
		for p := range f.Params {
			args = append(args, wasmtest.Get(uint32(p)))
		}
		m.Export(f.Name, wasmtest.KindFunc, m.Func(signature(f), 0, wasmtest.Call(imports[i], args...)))
	}
	m.Memory(wasmtest.Between(1, 1))
	return m.Encode()
}

func signature(f abi.Func) wasmtest.Signature {
	i32s := func(n int) []wasmtest.ValueType { return bytes.Repeat([]byte{wasmtest.I32}, n) }
	return wasmtest.Signature{Params: i32s(len(f.Params)), Results: i32s(len(f.Results))}
}

func (g *guest) setBuffer(base, size uint32) {
	g.Helper()
	buffer := abi.ReceiveBuffer{Base: base, Size: size}
	record, _ := g.memory.Read(recordAddress, abi.ReceiveBufferSize)
	buffer.Store(record)
	if err := g.SetReceiveBuffer(recordAddress, 0); err != nil {
		g.Fatal(err)
	}
}

// fields puts a table of fields into the memory and returns its address and length.
func (g *guest) fields(pairs ...string) (address, count uint64) {
	at := uint32(bytesAddress)
	for i, text := range pairs {
		list := abi.Bytes{Ptr: at, Len: uint32(len(text))}
		entry, _ := g.memory.Read(tableAddress+uint32(i)*abi.ListSize, abi.ListSize)
		list.Store(entry)
		g.memory.WriteString(at, text)
		at += list.Len
	}
	return tableAddress, uint64(len(pairs) / 2)
}

// bytes puts a string into the memory and returns its address and length.
func (g *guest) bytes(text string) (address, size uint64) {
	const at = 4096
	g.memory.WriteString(at, text)
	return at, uint64(len(text))
}

// Place is that of the session.
func (g *guest) Place(spare uint32) (abi.Bytes, error) {
	defer g.checkMarks("Place")()
	return g.Session.Place(spare)
}

// checkMarks remembers what the memory holds. What it returns compares it with what there is then: what the host has written
// must be marked, or among the payloads.
func (g *guest) checkMarks(what string) func() {
	memory, _ := g.memory.Read(0, memorySize)
	before := bytes.Clone(memory)
	g.Unmark()
	return func() {
		g.Helper()
		for at := range memory {
			payloads := g.Payloads()
			told := payloads.Begin <= uint64(at) && uint64(at) < payloads.End || g.Marks()&g.Blocks().Marks(uint32(at), 0) != 0
			if memory[at] != before[at] && !told {
				g.Fatalf("%s has written to %#x, marked %#x and told of payloads in %#x", what, at, g.Marks(), payloads)
			}
		}
	}
}

// run calls an import.
func (g *guest) run(name string, args ...uint64) (abi.Errno, error) {
	defer g.checkMarks(name)()
	results, err := g.module.ExportedFunction(name).Call(g.Call, args...)
	if err != nil {
		return 0, err
	}
	return abi.Errno(results[0]), nil
}

// expect calls an import that must give an errno.
func (g *guest) expect(want abi.Errno, name string, args ...uint64) {
	g.Helper()
	got, err := g.run(name, args...)
	if err != nil || got != want {
		g.Errorf("%s(%d) = %v, %v; want %v", name, args, got, err, want)
	}
}

func (g *guest) expectLog(want string) {
	g.Helper()
	if got := g.x.Log(); got != want {
		g.Errorf("the exchange heard\n%swant\n%s", indent(got), indent(want))
	}
}

func indent(text string) string { return "\t" + strings.ReplaceAll(text, "\n", "\n\t") + "\n" }

func TestRegisteredFunctions(t *testing.T) {
	r, err := wasmruntime.New(t.Context(), wasmruntime.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close(context.Background())
	module, err := Register(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	registered := module.ExportedFunctionDefinitions()
	for _, want := range abi.HandlerImports {
		got := registered[want.Name]
		if got == nil {
			t.Errorf("%s is not registered", want.Name)
			continue
		}
		delete(registered, want.Name)
		if s := typeText(got.ParamTypes(), got.ResultTypes()); s != want.Signature() {
			t.Errorf("%s is registered as %s, want %s", want.Name, s, want.Signature())
		}
	}
	for name := range registered {
		t.Errorf("%s is registered and not in events.witx", name)
	}
	if got := module.Name(); got != "http_events_v1" {
		t.Errorf("registered in module %s", got)
	}
}

func typeText(params, results []api.ValueType) string {
	names := func(types []api.ValueType) string {
		var names []string
		for _, t := range types {
			names = append(names, api.ValueTypeName(t))
		}
		return strings.Join(names, ", ")
	}
	text := "(" + names(params) + ") -> "
	if len(results) == 1 {
		return text + names(results)
	}
	return text + "(" + names(results) + ")"
}

func TestSessionIsChecked(t *testing.T) {
	g := newGuest(t, AllSubscriptions, 4096)
	try := func(session uint64) {
		t.Helper()
		for _, f := range abi.HandlerImports {
			args := make([]uint64, len(f.Params))
			args[0] = session
			g.expect(abi.ErrnoNoSession, f.Name, args...)
		}
	}
	try(0)
	try(2)
	try(math.MaxUint32)
	g.End()
	try(1)
	g.Session = g.Begin(g.x)
	try(1)
	g.expect(abi.ErrnoSuccess, "drain", 2)
	g.expectLog("drain\n")
}

func TestSessionNumbersRunOut(t *testing.T) {
	g := newGuest(t, AllSubscriptions, 4096)
	g.End()
	g.SkipTo(math.MaxUint32 - 1)
	if g.Spent() {
		t.Error("spent with a number left")
	}
	g.Session = g.Begin(g.x)
	g.expect(abi.ErrnoSuccess, "drain", math.MaxUint32)
	if !g.Spent() {
		t.Error("a number would be used twice")
	}
}

func TestImportsOutsideOfACall(t *testing.T) {
	g := newGuest(t, AllSubscriptions, 4096)
	results, err := g.module.ExportedFunction("drain").Call(t.Context(), 1)
	if err != nil || abi.Errno(results[0]) != abi.ErrnoNoSession {
		t.Errorf("got %v, %v; want no_session", results, err)
	}
}

func TestPointersAreChecked(t *testing.T) {
	g := newGuest(t, AllSubscriptions, 4096)
	table, count := g.fields("a", "b")
	const top = math.MaxUint32
	g.memory.WriteUint32Le(512, memorySize-1) // a field whose name reaches over the end
	g.memory.WriteUint32Le(512+4, 2)
	g.memory.WriteUint32Le(768, top) // one whose value wraps around
	g.memory.WriteUint32Le(768+4, top)
	for _, test := range []struct {
		name string
		args []uint64
	}{
		{"send", []uint64{1, 200, table, count, memorySize - 1, 2}},
		{"send", []uint64{1, 200, table, count, top, top}},
		{"send", []uint64{1, 200, memorySize - 15, 1, 0, 0}},
		{"send_head", []uint64{1, 200, memorySize, 1}},
		{"send_head", []uint64{1, 200, 0, top}},
		{"send_head", []uint64{1, 200, 0, 1 << 28}}, // times 16 is 0 in 32 bits
		{"send_head", []uint64{1, 200, 512, 1}},
		{"send_head", []uint64{1, 200, 768, 1}},
		{"set_head", []uint64{1, 200, 512, 1}},
		{"send_data", []uint64{1, memorySize, 1}},
		{"send_data", []uint64{1, top, 0}},
		{"send_data", []uint64{1, 1, top}},
		{"send_informational", []uint64{1, 103, 512, 1}},
		{"send_trailers", []uint64{1, memorySize - 15, 1}},
		{"upgrade", []uint64{1, 768, 1}},
		{"get_read_state", []uint64{1, memorySize}},
		{"get_write_state", []uint64{1, top}},
		{"next_event", []uint64{1, memorySize - 11}},
		{"next_event", []uint64{1, top}},
	} {
		g.expect(abi.ErrnoFault, test.name, test.args...)
	}
	g.expectLog("")

	// Up to the last byte is allowed, and nothing at the very end.
	g.expect(abi.ErrnoSuccess, "send_head", 1, 200, memorySize, 0)
	g.expect(abi.ErrnoSuccess, "send_data", 1, memorySize-1, 1)
	g.expect(abi.ErrnoSuccess, "send_data", 1, memorySize, 0)
	g.expect(abi.ErrnoState, "next_event", 1, memorySize-12)
	g.expectLog("send_head 200\nsend_data \"\\x00\"\n")
}

func TestStatusIsChecked(t *testing.T) {
	g := newGuest(t, AllSubscriptions, 4096)
	for _, status := range []uint64{0, 100, 199, 1000, 1<<16 + 200, math.MaxUint32} {
		g.expect(abi.ErrnoInvalid, "send", 1, status, 0, 0, 0, 0)
		g.expect(abi.ErrnoInvalid, "send_head", 1, status, 0, 0)
		g.expect(abi.ErrnoInvalid, "set_head", 1, status, 0, 0)
	}
	for _, status := range []uint64{0, 99, 200, 1<<16 + 103, math.MaxUint32} {
		g.expect(abi.ErrnoInvalid, "send_informational", 1, status, 0, 0)
	}
	g.expect(abi.ErrnoSuccess, "send_informational", 1, 103, 0, 0)
	g.expect(abi.ErrnoSuccess, "set_head", 1, 200, 0, 0)
	g.expect(abi.ErrnoSuccess, "send_head", 1, 999, 0, 0)
	g.expectLog("send_informational 103\nsend_head 999\n")
}

func TestAnswers(t *testing.T) {
	for _, test := range []struct {
		name string
		run  func(g *guest)
		want string
	}{
		{"whole", func(g *guest) {
			table, count := g.fields("Content-Type", "text/plain", "X-Empty", "")
			at, size := g.bytes("hello")
			g.expect(abi.ErrnoSuccess, "send", 1, 200, table, count, at, size)
			g.expect(abi.ErrnoState, "send", 1, 200, table, count, at, size)
		}, "send 200 [Content-Type: text/plain, X-Empty: ] \"hello\"\n" +
			"send 200 [Content-Type: text/plain, X-Empty: ] \"hello\" = state\n"},

		{"in pieces", func(g *guest) {
			table, count := g.fields("A", "1")
			at, size := g.bytes("piece")
			g.expect(abi.ErrnoSuccess, "send_head", 1, 201, table, count)
			g.expect(abi.ErrnoSuccess, "send_data", 1, at, size)
			g.expect(abi.ErrnoSuccess, "send_data", 1, at, 0)
			g.expect(abi.ErrnoSuccess, "send_end", 1)
			g.expect(abi.ErrnoState, "send_data", 1, at, size)
			g.expect(abi.ErrnoState, "set_head", 1, 200, 0, 0)
		}, "send_head 201 [A: 1]\nsend_data \"piece\"\nsend_end\nsend_data \"piece\" = state\n"},

		{"data sends a missing head", func(g *guest) {
			at, size := g.bytes("piece")
			g.expect(abi.ErrnoSuccess, "send_data", 1, at, 0)
			g.expect(abi.ErrnoSuccess, "send_data", 1, at, size)
			g.expect(abi.ErrnoSuccess, "send_end", 1)
		}, "send_head 200\nsend_data \"piece\"\nsend_end\n"},

		{"data sends the head that was set last", func(g *guest) {
			table, count := g.fields("A", "1")
			g.expect(abi.ErrnoSuccess, "set_head", 1, 500, 0, 0)
			g.expect(abi.ErrnoSuccess, "set_head", 1, 404, table, count)
			g.fields("B", "2") // the handler may use its memory again
			at, size := g.bytes("piece")
			g.expect(abi.ErrnoSuccess, "send_data", 1, at, size)
		}, "send_head 404 [A: 1]\nsend_data \"piece\"\n"},

		{"a head alone is sent whole", func(g *guest) {
			g.expect(abi.ErrnoSuccess, "set_head", 1, 204, 0, 0)
			g.expect(abi.ErrnoSuccess, "send_end", 1)
			g.expect(abi.ErrnoState, "send_end", 1)
		}, "send 204 \"\"\nsend_end = state\n"},

		{"end sends a missing head", func(g *guest) {
			g.expect(abi.ErrnoSuccess, "send_end", 1)
		}, "send 200 \"\"\n"},

		{"no missing head is sent when switched off", func(g *guest) {
			at, size := g.bytes("piece")
			g.expect(abi.ErrnoSuccess, "auto_send", 1, 0)
			g.expect(abi.ErrnoSuccess, "set_head", 1, 404, 0, 0)
			g.expect(abi.ErrnoState, "send_data", 1, at, size)
			g.expect(abi.ErrnoState, "send_end", 1)
			g.expect(abi.ErrnoSuccess, "auto_send", 1, 1)
			g.expect(abi.ErrnoSuccess, "send_data", 1, at, size)
		}, "send_head 404\nsend_data \"piece\"\n"},

		{"nothing of one session is left in the next", func(g *guest) {
			g.expect(abi.ErrnoSuccess, "auto_send", 1, 0)
			g.expect(abi.ErrnoSuccess, "set_head", 1, 404, 0, 0)
			g.End()
			g.Session = g.Begin(g.x)
			g.expect(abi.ErrnoSuccess, "send_end", 2)
		}, "send 200 \"\"\n"},

		{"hints, and trailers behind a missing head", func(g *guest) {
			table, count := g.fields("A", "1")
			g.expect(abi.ErrnoSuccess, "send_informational", 1, 103, table, count)
			g.expect(abi.ErrnoSuccess, "send_trailers", 1, table, count)
			g.expect(abi.ErrnoState, "send_trailers", 1, table, count)
			g.expect(abi.ErrnoState, "send_informational", 1, 103, 0, 0)
		}, "send_informational 103 [A: 1]\nsend_head 200\nsend_trailers [A: 1]\nsend_trailers [A: 1] = state\n" +
			"send_informational 103 = state\n"},

		{"no missing head is sent with trailers when switched off", func(g *guest) {
			g.expect(abi.ErrnoSuccess, "auto_send", 1, 0)
			g.expect(abi.ErrnoState, "send_trailers", 1, 0, 0)
		}, ""},

		{"another protocol", func(g *guest) {
			table, count := g.fields("Upgrade", "x")
			at, size := g.bytes("raw")
			g.expect(abi.ErrnoSuccess, "upgrade", 1, table, count)
			g.expect(abi.ErrnoSuccess, "send_data", 1, at, size)
			g.expect(abi.ErrnoSuccess, "send_end", 1)
		}, "upgrade [Upgrade: x]\nsend_data \"raw\"\nsend_end\n"},

		{"steering", func(g *guest) {
			for _, name := range []string{"hold_continue", "pause", "resume", "discard", "stream", "close"} {
				g.expect(abi.ErrnoSuccess, name, 1)
			}
		}, "hold_continue\npause\nresume\ndiscard\nstream\nclose\n"},

		{"states", func(g *guest) {
			g.expect(abi.ErrnoSuccess, "get_read_state", 1, 40)
			g.expect(abi.ErrnoSuccess, "get_write_state", 1, memorySize-1)
			read, _ := g.memory.ReadByte(40)
			write, _ := g.memory.ReadByte(memorySize - 1)
			if abi.ReadState(read) != abi.ReadStateBodyReady || abi.WriteState(write) != abi.WriteStateEmpty {
				g.Errorf("states %d and %d", read, write)
			}
		}, ""},

		{"no room", func(g *guest) {
			g.x.Full = 1
			at, size := g.bytes("piece")
			g.expect(abi.ErrnoAgain, "send_data", 1, at, size)
			g.expect(abi.ErrnoSuccess, "wait_writable", 1)
			g.expect(abi.ErrnoSuccess, "send_data", 1, at, size)
		}, "send_head 200\nsend_data \"piece\" = again\nwait_writable\nsend_data \"piece\"\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := newGuest(t, AllSubscriptions, 4096)
			test.run(g)
			g.expectLog(test.want)
		})
	}
}

func TestUpgradeNeedsItsEvent(t *testing.T) {
	g := newGuest(t, AllSubscriptions&^abi.SubscriptionsUpgraded, 4096)
	table, count := g.fields("Upgrade", "x")
	g.expect(abi.ErrnoUnsupported, "upgrade", 1, table, count)
	g.expectLog("")
}

func TestStagedHeadIsBounded(t *testing.T) {
	g := newGuest(t, AllSubscriptions, 4096)
	// 1025 entries of the zeros that the memory is full of, then one that names most of the memory twice.
	g.expect(abi.ErrnoTooBig, "set_head", 1, 200, 8192, 1025)
	g.expect(abi.ErrnoSuccess, "set_head", 1, 200, 8192, 1024)
	g.memory.WriteUint32Le(tableAddress+4, memorySize/2+1)
	g.memory.WriteUint32Le(tableAddress+12, memorySize/2)
	g.expect(abi.ErrnoTooBig, "set_head", 1, 200, tableAddress, 1)
	g.memory.WriteUint32Le(tableAddress+4, memorySize/2)
	g.expect(abi.ErrnoSuccess, "set_head", 1, 200, tableAddress, 1)
}

func TestNextEvent(t *testing.T) {
	g := newGuest(t, abi.SubscriptionsDataReady|abi.SubscriptionsDone, 4096)
	g.x.Events = []exchange.Event{
		{Kind: abi.EventDataReady, Data: bytes.Repeat([]byte("x"), 5000),
			Flags: abi.DataFlagsChunkStart | abi.DataFlagsChunkEnd},
		{Kind: abi.EventReady},
		{Kind: abi.EventDone},
	}
	for _, want := range []struct {
		event abi.Event
		size  int
		flags abi.DataFlags
	}{
		{abi.EventDataReady, 4096 - abi.DataSize, abi.DataFlagsChunkStart},
		{abi.EventDataReady, 5000 - 4096 + abi.DataSize, abi.DataFlagsChunkEnd},
		{abi.EventDone, 0, 0},
	} {
		g.expect(abi.ErrnoSuccess, "next_event", 1, 0)
		delivery := g.delivery(0)
		if delivery.Event != want.event {
			t.Fatalf("got %v, want %v", delivery.Event, want.event)
		}
		if want.size == 0 {
			if delivery.Payload.Len != 0 {
				t.Errorf("%v has a payload of %d bytes", delivery.Event, delivery.Payload.Len)
			}
			continue
		}
		var data abi.Data
		data.Load(g.at(delivery.Payload))
		if got := g.at(data.Content); len(got) != want.size || strings.Trim(string(got), "x") != "" || data.Flags != want.flags {
			t.Errorf("got %d bytes with flags %d, want %d with %d", len(got), data.Flags, want.size, want.flags)
		}
	}
	g.expect(abi.ErrnoState, "next_event", 1, 0)
	g.expect(abi.ErrnoState, "next_event", 1, 0)
}

// delivery reads a delivery from the memory.
func (g *guest) delivery(address uint32) (delivery abi.Delivery) {
	record, _ := g.memory.Read(address, abi.DeliverySize)
	delivery.Load(record)
	return delivery
}

// at is what a list of bytes names.
func (g *guest) at(list abi.Bytes) []byte {
	g.Helper()
	content, ok := g.memory.Read(list.Ptr, list.Len)
	if !ok {
		g.Fatalf("%d bytes at %d lie outside of the memory", list.Len, list.Ptr)
	}
	return content
}

func TestPulledPayloadsLieBehindThePushedOne(t *testing.T) {
	g := newGuest(t, AllSubscriptions, 4096)
	g.x.Events = exchangetest.Request(exchangetest.Line("POST", "/x"), exchange.NewFields("Host", "a"), "body")
	pushed := g.push(0)
	line := append([]byte(nil), g.at(pushed)...)
	const behind = bufferAddress + 32 // 20 + 4 + 2 bytes, aligned to 8
	for _, want := range []abi.Event{abi.EventHeaderReady, abi.EventDataReady} {
		g.expect(abi.ErrnoSuccess, "next_event", 1, 0)
		if got := g.delivery(0); got.Event != want || got.Payload.Ptr != behind {
			t.Errorf("pulled %v at %d, want %v at %d", got.Event, got.Payload.Ptr, want, behind)
		}
	}
	if !bytes.Equal(g.at(pushed), line) {
		t.Error("pulling an event changed the payload that was pushed")
	}
	if got := g.push(0); got.Ptr != bufferAddress {
		t.Errorf("the next pushed payload lies at %d, want the front of the buffer", got.Ptr)
	}
}

// push places the next event.
func (g *guest) push(spare uint32) abi.Bytes {
	g.Helper()
	if err := g.Next(spare); err != nil {
		g.Fatal(err)
	}
	payload, err := g.Place(spare)
	if err != nil {
		g.Fatal(err)
	}
	return payload
}

func TestWaitingFails(t *testing.T) {
	own := errors.New("something else")
	for _, test := range []struct {
		err   error
		errno abi.Errno // success: the call ends with err
	}{
		{exchange.ErrEnd, abi.ErrnoState},
		{exchange.ErrClosed, abi.ErrnoClosed},
		{exchange.ErrWallTime, abi.ErrnoSuccess},
		{exchange.ErrRefused, abi.ErrnoSuccess},
		{own, abi.ErrnoSuccess},
	} {
		for _, call := range [][]uint64{{1, 0}, {1}} {
			name := [...]string{1: "wait_writable", 2: "next_event"}[len(call)]
			t.Run(name+" "+test.err.Error(), func(t *testing.T) {
				g := newGuest(t, AllSubscriptions, 4096)
				g.x.End, g.x.Unwritable = test.err, test.err
				if test.errno != abi.ErrnoSuccess {
					g.expect(test.errno, name, call...)
					if g.Aborted() != nil {
						t.Errorf("aborted: %v", g.Aborted())
					}
					return
				}
				if _, err := g.run(name, call...); !errors.Is(err, test.err) || g.Aborted() != test.err {
					t.Errorf("the call ended with %v, aborted with %v", err, g.Aborted())
				}
				// The instance stays well-defined.
				g.End()
				g.Session = g.Begin(g.x)
				g.expect(abi.ErrnoSuccess, "drain", 2)
			})
		}
	}
}

func TestClosedWhileWaitingIsTheEnd(t *testing.T) {
	g := newGuest(t, AllSubscriptions, 4096)
	g.x.Events = []exchange.Event{{Kind: abi.EventDone}}
	g.x.Unwritable = exchange.ErrClosed
	g.expect(abi.ErrnoClosed, "wait_writable", 1)
	if err := g.Next(0); err != exchange.ErrClosed {
		t.Errorf("the next event: %v, want ErrClosed", err)
	}
}

func TestReceiveBufferIsChecked(t *testing.T) {
	g := newGuest(t, AllSubscriptions, 4096)
	for _, test := range []struct {
		address    uint32
		base, size uint32
		need       uint32
		want       string
	}{
		{0, 0, 0, 0, "receive_buffer returned null"},
		{memorySize - 7, 0, 0, 0, "receive_buffer returned address 65529, outside of the memory"},
		{math.MaxUint32, 0, 0, 0, "receive_buffer returned address 4294967295, outside of the memory"},
		{64, 8, 4095, 0, "receive_buffer described 4095 bytes where 4096 are needed"},
		{64, 8, 5000, 5001, "receive_buffer described 5000 bytes where 5001 are needed"},
		{64, memorySize - 4096 + 8, 4096, 0, "receive_buffer described 4096 bytes at address 61448, outside of the memory"},
		{64, math.MaxUint32 - 7, math.MaxUint32, 0,
			"receive_buffer described 4294967295 bytes at address 4294967288, outside of the memory"},
		{64, 12, 4096, 0, "receive_buffer described address 12, which is not a multiple of 8"},
		{64, memorySize - 4096, 4096, 0, ""},
		{64, 8, 5001, 5001, ""},
	} {
		g.memory.WriteUint32Le(64, test.base)
		g.memory.WriteUint32Le(68, test.size)
		err := g.SetReceiveBuffer(test.address, test.need)
		if got := message(err); got != test.want {
			t.Errorf("%+v: got %q, want %q", test, got, test.want)
		}
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestImportsDoNotAllocate(t *testing.T) {
	g := newGuest(t, AllSubscriptions, 4096)
	g.x.Silent = true
	table, count := g.fields("Content-Type", "text/plain", "X", "y")
	at, size := g.bytes("hello")
	setHead := g.module.ExportedFunction("set_head")
	sendData := g.module.ExportedFunction("send_data")
	nextEvent := g.module.ExportedFunction("next_event")
	g.x.Events = exchangetest.Request(exchangetest.Line("GET", "/"), exchange.NewFields("Host", "a"))
	var stack [6]uint64
	allocs := testing.AllocsPerRun(100, func() {
		g.End()
		g.x.Reset()
		g.Session = g.Begin(g.x)
		session := uint64(g.ID())
		stack = [6]uint64{session, 200, table, count}
		must(t, setHead.CallWithStack(g.Call, stack[:]), stack[0])
		stack = [6]uint64{session, at, size}
		must(t, sendData.CallWithStack(g.Call, stack[:]), stack[0])
		stack = [6]uint64{session, 0}
		must(t, nextEvent.CallWithStack(g.Call, stack[:]), stack[0])
	})
	if allocs != 0 {
		t.Errorf("%v allocations per session, want none", allocs)
	}
}

// FuzzImports calls imports with any arguments in any order. Each gives an errno or ends the call for one of our reasons.
func FuzzImports(f *testing.F) {
	f.Add([]byte{0, 200, 16, 1, 32, 5, 3, 0, 0, 0, 0, 0}, []byte("memory"))
	f.Add([]byte{7, 0, 0, 0, 0, 0, 2, 200, 0, 64, 0, 0, 4, 16, 9, 0, 0, 0}, bytes.Repeat([]byte{0xff}, 64))
	g := newGuest(f, AllSubscriptions, 4096)
	functions := make([]api.Function, len(abi.HandlerImports))
	for i, f := range abi.HandlerImports {
		functions[i] = g.module.ExportedFunction(f.Name)
	}
	// Arguments are bytes that stand for numbers of interest.
	interesting := []uint64{memorySize - 1, memorySize, memorySize + 1, math.MaxUint32, math.MaxUint32 - 7, 1 << 28, 1 << 31}
	f.Fuzz(func(t *testing.T, calls, memory []byte) {
		g.End()
		*g.x = exchangetest.Exchange{
			Events: exchangetest.Request(exchangetest.Line("GET", "/"), exchange.NewFields("Host", "a"), "body"),
			Full:   1,
			Silent: true,
		}
		g.Session = g.Begin(g.x)
		g.memory.Write(0, memory[:min(len(memory), memorySize)])
		for ; len(calls) >= 6; calls = calls[6:] {
			n := int(calls[0]) % len(functions)
			stack := [6]uint64{uint64(g.ID())}
			for i, b := range calls[1:6] {
				stack[i+1] = uint64(b)
				if k := int(b) - (256 - len(interesting)); k >= 0 {
					stack[i+1] = interesting[k]
				}
			}
			if err := functions[n].CallWithStack(g.Call, stack[:]); err != nil {
				t.Fatalf("%s: %v", abi.HandlerImports[n].Name, err)
			}
			if abi.Errno(stack[0]) > abi.ErrnoUnsupported {
				t.Errorf("%s gave errno %d", abi.HandlerImports[n].Name, stack[0])
			}
		}
	})
}

func must(t testing.TB, err error, errno uint64) {
	t.Helper()
	if err != nil || errno != 0 {
		t.Fatal(abi.Errno(errno), err)
	}
}
