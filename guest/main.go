// Command guest is the core as a WebAssembly module: the functions that abi/events.witx lists under sluice_core, and the
// memory that its host and it share. All else is in package http1.
//
// It compiles with mainline Go and with TinyGo: exports carry both compilers' pragmas, and take and return only types that
// both allow. Build it with `./build.sh core`.
package main

import (
	"unsafe"

	"github.com/sluicehttp/sluice/guest/http1"
)

// Sizes of the shared memory. Pages of a slot that are never written cost nothing, so slots are generous.
const (
	maxConnections = 1 << 20
	slotCount      = 256
	slotEvents     = 32
	slotFields     = 1024
	slotSize       = 64 << 10
	inputFields    = 1024
	inputSize      = 64 << 10
	outputSize     = 96 << 10
	// maxSection is the most that a head or trailer section may be: it has to fit in a slot with room for one byte more,
	// which shows that it is too large.
	maxSection = slotSize - 4096
)

// slot is a read buffer with the tables that describe what was read into it.
type slot struct {
	reception http1.Reception
	events    [slotEvents]http1.EventRecord
	fields    [slotFields]http1.FieldSpan
	bytes     [slotSize]byte
}

var (
	connections []http1.Conn
	limits      = http1.DefaultLimits
	layout      http1.Layout
	slots       [slotCount]slot

	inputTable  [inputFields]http1.FieldSpan
	input       [inputSize]byte
	outputBytes [outputSize]byte
	output      = http1.Output{Bytes: outputBytes[:]}
	framing     http1.Framing
	state       http1.ConnectionState

	// dateLine is a line with Date and the end of a head. The host writes the date.
	dateLine = []byte("Date: \x00un, 06 Nov 1994 08:49:37 GMT\r\n\r\n")
)

// dateOffset is where the date begins in its line.
const dateOffset = len("Date: ")

// Arguments that are passed by address: made once, for a call of mainline Go clears such things by a call into the host.
// Every slot has tables of its own, so that no pointer has to be set for a call.
var (
	tables [slotCount]http1.Tables
	head   = http1.Head{Bytes: input[:]}
)

// main never runs: the module is a library (a WASI reactor).
func main() {}

// address is where p lies in the memory that the host sees.
func address(p unsafe.Pointer) uint32 { return uint32(uintptr(p)) }

//export setup
//go:wasmexport setup
func setup(count int32) unsafe.Pointer {
	if count < 1 || count > maxConnections || connections != nil {
		return nil
	}
	connections = make([]http1.Conn, count)
	for i := range tables {
		tables[i].Events, tables[i].Fields = slots[i].events[:], slots[i].fields[:]
	}
	layout = http1.Layout{
		Limits:          address(unsafe.Pointer(&limits)),
		InputFields:     address(unsafe.Pointer(&inputTable)),
		InputFieldCount: inputFields,
		Input:           address(unsafe.Pointer(&input)),
		InputSize:       inputSize,
		Output:          address(unsafe.Pointer(&outputBytes)),
		OutputSize:      outputSize,
		Framing:         address(unsafe.Pointer(&framing)),
		ConnectionState: address(unsafe.Pointer(&state)),
		Date:            address(unsafe.Pointer(&dateLine[dateOffset])),
		Slots:           address(unsafe.Pointer(&slots)),
		SlotCount:       slotCount,
		SlotStride:      uint32(unsafe.Sizeof(slots[0])),
		SlotReception:   uint32(unsafe.Offsetof(slots[0].reception)),
		SlotEvents:      uint32(unsafe.Offsetof(slots[0].events)),
		SlotEventCount:  slotEvents,
		SlotFields:      uint32(unsafe.Offsetof(slots[0].fields)),
		SlotFieldCount:  slotFields,
		SlotBytes:       uint32(unsafe.Offsetof(slots[0].bytes)),
		SlotSize:        slotSize,
	}
	return unsafe.Pointer(&layout)
}

// connection finds an open connection's state, nil when there is none of that number. The two calls that every request takes
// do so themselves: what may be nil costs them a jump.
func connection(number int32) *http1.Conn {
	if uint32(number) >= uint32(len(connections)) {
		return nil
	}
	return &connections[number]
}

//export open
//go:wasmexport open
func open(number, role int32) int32 {
	c := connection(number)
	if c == nil || role < 0 || role > 255 {
		return int32(http1.ErrnoInvalid)
	}
	// A section that fills its slot could neither end nor be refused.
	limits.Head = min(limits.Head, maxSection)
	limits.Trailers = min(limits.Trailers, maxSection)
	return int32(c.Open(http1.Role(role), &limits))
}

//export receive
//go:wasmexport receive
func receive(number, slotNumber, offset, size, flags int32) int32 {
	n, i := uint(uint32(number)), uint(uint32(slotNumber))
	begin, end := uint64(uint32(offset)), uint64(uint32(offset))+uint64(uint32(size))
	if n >= uint(len(connections)) || i >= slotCount || end > slotSize {
		return int32(http1.ErrnoInvalid)
	}
	s := &slots[i]
	return int32(connections[n].Receive(s.bytes[begin:end], http1.ReceiveFlags(flags), &tables[i], &s.reception))
}

//export frame_head
//go:wasmexport frame_head
func frameHead(number, status, fieldCount int32, length int64, flags int32) int32 {
	n := uint(uint32(number))
	if n >= uint(len(connections)) || uint32(fieldCount) > inputFields || uint32(status) > 0xffff {
		return int32(http1.ErrnoInvalid)
	}
	if flags&int32(http1.HeadFlagsRepeated) == 0 {
		otherHead(fieldCount) // a head that repeats has the fields of the last
	}
	head.Status, head.Length, head.Flags = http1.Status(status), uint64(length), http1.HeadFlags(flags)
	return int32(connections[n].FrameHead(&head, &output, &framing))
}

// otherHead makes head one that has nothing but fields, and the Date once the host has written one. It is not inlined
// because a head that repeats passes it by.
//
//go:noinline
func otherHead(fieldCount int32) bool {
	if uint32(fieldCount) > inputFields {
		return false
	}
	head.Status, head.Length, head.Flags = 0, 0, 0
	head.Fields = inputTable[:fieldCount]
	if dateLine[dateOffset] != 0 {
		head.Date = dateLine
	}
	return true
}

//export frame_informational
//go:wasmexport frame_informational
func frameInformational(number, status, fieldCount int32) int32 {
	c := connection(number)
	if c == nil || uint32(status) > 0xffff || !otherHead(fieldCount) {
		return int32(http1.ErrnoInvalid)
	}
	head.Status = http1.Status(status)
	return int32(c.FrameInformational(&head, &output, &framing))
}

//export frame_data
//go:wasmexport frame_data
func frameData(number int32, size int64) int32 {
	c := connection(number)
	if c == nil {
		return int32(http1.ErrnoInvalid)
	}
	return int32(c.FrameData(uint64(size), &output, &framing))
}

//export frame_end
//go:wasmexport frame_end
func frameEnd(number int32) int32 {
	c := connection(number)
	if c == nil {
		return int32(http1.ErrnoInvalid)
	}
	return int32(c.FrameEnd(&output, &framing))
}

//export frame_trailers
//go:wasmexport frame_trailers
func frameTrailers(number, fieldCount int32) int32 {
	c := connection(number)
	if c == nil || !otherHead(fieldCount) {
		return int32(http1.ErrnoInvalid)
	}
	return int32(c.FrameTrailers(&head, &output, &framing))
}

//export frame_upgrade
//go:wasmexport frame_upgrade
func frameUpgrade(number, fieldCount int32) int32 {
	c := connection(number)
	if c == nil || !otherHead(fieldCount) {
		return int32(http1.ErrnoInvalid)
	}
	return int32(c.FrameUpgrade(&head, &output, &framing))
}

//export frame_request
//go:wasmexport frame_request
func frameRequest(number, methodSize, targetSize, fieldCount int32, length int64, flags int32) int32 {
	c := connection(number)
	if c == nil || uint32(methodSize) > inputSize || uint32(targetSize) > inputSize-uint32(methodSize) || !otherHead(fieldCount) {
		return int32(http1.ErrnoInvalid)
	}
	head.Length, head.Flags = uint64(length), http1.HeadFlags(flags)
	method, target := input[:methodSize], input[methodSize:methodSize+targetSize]
	return int32(c.FrameRequest(method, target, &head, &output, &framing))
}

//export restrict
//go:wasmexport restrict
func restrict(number, chunkLine, trailers, trailerFields int32) int32 {
	c := connection(number)
	if c == nil {
		return int32(http1.ErrnoInvalid)
	}
	// As in open: a section has to fit in its slot.
	return int32(c.Restrict(uint32(chunkLine), min(uint32(trailers), maxSection), uint32(trailerFields)))
}

//export advance
//go:wasmexport advance
func advance(number int32, size int64) int32 {
	c := connection(number)
	if c == nil {
		return int32(http1.ErrnoInvalid)
	}
	return int32(c.Advance(uint64(size)))
}

//export query
//go:wasmexport query
func query(number int32) int32 {
	c := connection(number)
	if c == nil {
		return int32(http1.ErrnoInvalid)
	}
	c.Query(&state)
	return int32(http1.ErrnoSuccess)
}
