package wasi

import "encoding/binary"

var le = binary.LittleEndian

// view is the memory at an address, and false when not all of it is in the memory. A count of records whose size does not
// fit in 32 bits is never in the memory.
func (c *call) view(address uint32, count, size uint64) ([]byte, bool) {
	if length := count * size; length>>32 == 0 {
		return c.memory.Read(address, uint32(length))
	}
	return nil, false
}

// put32 writes a number to the address that a parameter holds.
func (c *call) put32(param int, v uint32) Errno {
	if !c.memory.WriteUint32Le(c.u32(param), v) {
		return Fault
	}
	return Success
}

// put64 writes a number to the address that a parameter holds.
func (c *call) put64(param int, v uint64) Errno {
	if !c.memory.WriteUint64Le(c.u32(param), v) {
		return Fault
	}
	return Success
}
