package wasi

import "encoding/binary"

var le = binary.LittleEndian

// view is the memory at an address, to be read, and false when not all of it is in the memory. A count of records whose size does not
// fit in 32 bits is never in the memory.
func (c *call) view(address uint32, count, size uint64) ([]byte, bool) {
	if length := count * size; length>>32 == 0 {
		return c.memory.Read(address, uint32(length))
	}
	return nil, false
}

// room is a view that is about to be written to. Nothing else is.
func (c *call) room(address uint32, count, size uint64) ([]byte, bool) {
	room, ok := c.view(address, count, size)
	if ok {
		c.Wrote(address, uint32(len(room)))
	}
	return room, ok
}

// put32 writes a number to the address that a parameter holds.
func (c *call) put32(param int, v uint32) Errno {
	room, ok := c.room(c.u32(param), 1, 4)
	if !ok {
		return Fault
	}
	le.PutUint32(room, v)
	return Success
}

// put64 writes a number to the address that a parameter holds.
func (c *call) put64(param int, v uint64) Errno {
	room, ok := c.room(c.u32(param), 1, 8)
	if !ok {
		return Fault
	}
	le.PutUint64(room, v)
	return Success
}
