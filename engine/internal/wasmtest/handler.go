package wasmtest

import (
	"bytes"
	"encoding/binary"

	"github.com/sluicehttp/sluice/abi"
)

// Where things lie in the memory of a [Handler].
const (
	RecordAddress   = 16      // the receive_buffer record
	DeliveryAddress = 32      // room for a delivery
	BufferAddress   = 4096    // the receive buffer
	BufferSize      = 16384   // its size in bytes
	staticAddress   = 1 << 16 // what Text and Fields put down
)

// The parameters of on_event, for [Get]; its locals follow.
const (
	Session = iota
	Event
	Payload
	PayloadLen
	FirstLocal
)

// Handler assembles a handler module. It imports all of http_events_v1, and its parts can be replaced by broken ones.
type Handler struct {
	Module
	// Subscriptions is the code of that export. Default: what [NewHandler] was given.
	Subscriptions Code
	// ReceiveBuffer is the code of that export; the size is its parameter 0. Default: a buffer that never grows.
	ReceiveBuffer Code
	// OnEvent is the code of that export, with [Session] and so on as parameters and 4 locals.
	OnEvent Code
	// Initialize is the code of _initialize. Default: there is no such export.
	Initialize Code
	// Memory bounds the memory. Default: 2 pages or more.
	Memory Limits
	// NoMemory leaves the memory out, and what lies in it.
	NoMemory bool

	static   int32             // the address of the next static bytes
	replaced map[string]uint32 // functions that are exported in place of the parts above
}

// NewHandler begins a handler that wants some events.
func NewHandler(want abi.Subscriptions) *Handler {
	h := &Handler{
		Subscriptions: Const(int32(want)),
		ReceiveBuffer: Const(RecordAddress),
		Memory:        AtLeast(2),
		static:        staticAddress,
	}
	for _, f := range abi.HandlerImports {
		h.Import(abi.HandlerImportModule, f.Name, signature(f))
	}
	h.Data(RecordAddress, Words(BufferAddress, BufferSize))
	return h
}

// Do calls a function of http_events_v1.
func Do(name string, args ...Code) Code {
	for i, f := range abi.HandlerImports {
		if f.Name == name {
			return Call(uint32(i), args...)
		}
	}
	panic("no import " + name)
}

// Text puts a string into the memory and returns its address and length as arguments.
func (h *Handler) Text(text string) Code {
	h.Data(h.static, []byte(text))
	args := Seq(Const(h.static), Const(int32(len(text))))
	h.static += int32(len(text)+7) &^ 7
	return args
}

// Vector puts a string into the memory and returns the address of a list that names it.
func (h *Handler) Vector(text string) Code {
	list := h.static
	h.Text(string(Words(uint32(list+abi.ListSize), uint32(len(text)))) + text)
	return Const(list)
}

// Fields puts fields into the memory, names and values in turn, and returns their address and number as arguments.
func (h *Handler) Fields(pairs ...string) Code {
	table := h.static
	at := table + int32(len(pairs))*abi.ListSize
	var lists, content []byte
	for _, text := range pairs {
		lists = append(lists, Words(uint32(at)+uint32(len(content)), uint32(len(text)))...)
		content = append(content, text...)
	}
	h.Text(string(lists) + string(content))
	return Seq(Const(table), Const(int32(len(pairs)/2)))
}

// Replace exports another function under a name of the interface.
func (h *Handler) Replace(export string, function uint32) {
	h.replaced = map[string]uint32{export: function}
}

// Encode returns the module in the binary format. Once.
func (h *Handler) Encode() []byte {
	if h.NoMemory {
		h.data = section{}
	} else {
		h.Module.Memory(h.Memory)
	}
	parts := map[string]Code{
		"subscriptions": h.Subscriptions, "receive_buffer": h.ReceiveBuffer, "on_event": h.OnEvent,
	}
	for _, f := range abi.HandlerExports {
		function, replaced := h.replaced[f.Name]
		if !replaced {
			function = h.Func(signature(f), 4, parts[f.Name])
		}
		h.Export(f.Name, KindFunc, function)
	}
	if h.Initialize != nil {
		h.Export("_initialize", KindFunc, h.Func(Signature{}, 0, h.Initialize))
	}
	return h.Module.Encode()
}

func signature(f abi.Func) Signature {
	i32s := func(n int) []ValueType { return bytes.Repeat([]byte{I32}, n) }
	return Signature{Params: i32s(len(f.Params)), Results: i32s(len(f.Results))}
}

// Words are the bytes of 32-bit numbers.
func Words(values ...uint32) (out []byte) {
	for _, v := range values {
		out = binary.LittleEndian.AppendUint32(out, v)
	}
	return out
}

// Hello answers every request with "hello".
func Hello() *Handler {
	h := NewHandler(abi.SubscriptionsReady)
	fields, body := h.Fields("Content-Type", "text/plain"), h.Text("hello")
	h.OnEvent = Drop(Do("send", Get(Session), Const(200), fields, body))
	return h
}

// Echo sends every piece of body back as it comes.
func Echo() *Handler {
	h := NewHandler(abi.SubscriptionsDataReady | abi.SubscriptionsReady)
	h.OnEvent = IfElse(Eq(Get(Event), Const(int32(abi.EventReady))),
		Drop(Do("send_end", Get(Session))),
		Drop(Do("send_data", Get(Session), listAt(Get(Payload), abi.DataContentOffset))))
	return h
}

// Pull does what [Echo] does in the blocking style: it takes over at the first event and pulls the others.
func Pull() *Handler {
	h := NewHandler(abi.SubscriptionsLineReady | abi.SubscriptionsDataReady)
	delivery := Const(DeliveryAddress)
	h.OnEvent = Seq(
		While(Eqz(Do("next_event", Get(Session), delivery)),
			While(Eq(Do("send_data", Get(Session), listAt(Load(delivery, abi.DeliveryPayloadOffset), abi.DataContentOffset)),
				Const(int32(abi.ErrnoAgain))),
				Drop(Do("wait_writable", Get(Session))))),
		Drop(Do("send_end", Get(Session))))
	return h
}

// listAt loads the address and length of a list from a record.
func listAt(record Code, offset uint32) Code {
	return Seq(Load(record, offset), Load(record, offset+4))
}
