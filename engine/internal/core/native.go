package core

import (
	"fmt"
	"unsafe"

	"github.com/sluicehttp/sluice/guest/http1"
)

// Sizes of the twin's memory. They equal those of the guest, so that both fill their tables alike.
const (
	nativeSlots       = 256
	nativeSlotEvents  = 32
	nativeSlotFields  = 1024
	nativeSlotSize    = 64 << 10
	nativeInputFields = 1024
	nativeInput       = 64 << 10
	nativeOutput      = 96 << 10
	dateSize          = len("Sun, 06 Nov 1994 08:49:37 GMT")
	dateOffset        = len("Date: ")
)

// native is the core's twin: package http1 linked into this process.
type native struct {
	*shared
	dateLine    []byte
	out         http1.Output
	connections []http1.Conn
	slots       []nativeSlot
}

type nativeSlot struct {
	reception http1.Reception
	tables    http1.Tables
	events    [nativeSlotEvents]http1.EventRecord
	fields    [nativeSlotFields]http1.FieldSpan
	bytes     [nativeSlotSize]byte
}

// NativeMaker makes cores that run in the process itself, unprotected.
func NativeMaker(config Config) Maker {
	return func(onBroken func(error)) (*Core, error) {
		if config.Connections < 1 || config.Connections > maxConnections {
			return nil, fmt.Errorf("%d connections; a core takes 1 to %d", config.Connections, maxConnections)
		}
		core := newNative(config)
		core.onBroken = onBroken
		return core, nil
	}
}

func newNative(config Config) *Core {
	twin := &native{
		connections: make([]http1.Conn, config.Connections),
		slots:       make([]nativeSlot, nativeSlots),
		shared: &shared{
			limits:  new(http1.Limits),
			fields:  make([]http1.FieldSpan, nativeInputFields),
			input:   make([]byte, nativeInput),
			output:  make([]byte, nativeOutput),
			framing: new(http1.Framing),
			state:   new(http1.ConnectionState),
		},
		dateLine: []byte("Date: \x00un, 06 Nov 1994 08:49:37 GMT\r\n\r\n"),
	}
	twin.date = twin.dateLine[dateOffset:][:dateSize]
	twin.out.Bytes = twin.output
	for i := range twin.slots {
		slot := &twin.slots[i]
		slot.tables = http1.Tables{Events: slot.events[:], Fields: slot.fields[:]}
		twin.table = append(twin.table, Slot{
			Number:    uint32(i),
			Bytes:     slot.bytes[:],
			Events:    slot.events[:],
			Fields:    unsafe.Slice((*byte)(unsafe.Pointer(&slot.fields)), unsafe.Sizeof(slot.fields)),
			reception: &slot.reception,
		})
	}
	return newCore(config, *twin.shared, twin)
}

func (n *native) open(connection uint32, role http1.Role) (http1.Errno, error) {
	return n.connections[connection].Open(role, n.limits), nil
}

func (n *native) receive(connection, slot, offset, size uint32, flags http1.ReceiveFlags) (http1.Errno, error) {
	s := &n.slots[slot]
	return n.connections[connection].Receive(s.bytes[offset:offset+size], flags, &s.tables, &s.reception), nil
}

func (n *native) frameHead(connection uint32, status http1.Status, fields uint32, length uint64, flags http1.HeadFlags) (http1.Errno, error) {
	head := n.head(fields)
	head.Status, head.Length, head.Flags = status, length, flags
	return n.connections[connection].FrameHead(&head, &n.out, n.framing), nil
}

// head is a head with fields of the input.
func (n *native) head(fields uint32) http1.Head {
	head := http1.Head{Fields: n.fields[:fields], Bytes: n.input}
	if n.date[0] != 0 {
		head.Date = n.dateLine
	}
	return head
}

func (n *native) frameInformational(connection uint32, status http1.Status, fields uint32) (http1.Errno, error) {
	head := n.head(fields)
	head.Status = status
	return n.connections[connection].FrameInformational(&head, &n.out, n.framing), nil
}

func (n *native) frameData(connection uint32, size uint64) (http1.Errno, error) {
	return n.connections[connection].FrameData(size, &n.out, n.framing), nil
}

func (n *native) frameEnd(connection uint32) (http1.Errno, error) {
	return n.connections[connection].FrameEnd(&n.out, n.framing), nil
}

func (n *native) frameTrailers(connection uint32, fields uint32) (http1.Errno, error) {
	head := n.head(fields)
	return n.connections[connection].FrameTrailers(&head, &n.out, n.framing), nil
}

func (n *native) frameUpgrade(connection uint32, fields uint32) (http1.Errno, error) {
	head := n.head(fields)
	return n.connections[connection].FrameUpgrade(&head, &n.out, n.framing), nil
}

func (n *native) frameRequest(connection, method, target, fields uint32, length uint64, flags http1.HeadFlags) (http1.Errno, error) {
	head := n.head(fields)
	head.Length, head.Flags = length, flags
	return n.connections[connection].FrameRequest(n.input[:method], n.input[method:][:target], &head, &n.out, n.framing), nil
}

func (n *native) restrict(connection, chunkLine, trailers, trailerFields uint32) (http1.Errno, error) {
	return n.connections[connection].Restrict(chunkLine, trailers, trailerFields), nil
}

func (n *native) advance(connection uint32, size uint64) (http1.Errno, error) {
	return n.connections[connection].Advance(size), nil
}

func (n *native) query(connection uint32) (http1.Errno, error) {
	n.connections[connection].Query(n.state)
	return http1.ErrnoSuccess, nil
}

func (n *native) close() error { return nil }
