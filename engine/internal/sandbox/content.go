package sandbox

import (
	"bytes"
	"math/bits"

	"github.com/sluicehttp/sluice/engine/internal/rewrite"
)

// content is what a memory holds, without the blocks that hold nothing but zeros: they are most of it as a rule, and to
// compare a block with zeros costs less than half of what it costs to compare it with another.
type content struct {
	// copies says for each block where its copy begins in bytes, or that there is none: zero. What lies behind the last
	// block is zero.
	copies []int32
	bytes  []byte
}

// block is how much is compared at a time, in bytes: what did not change is not written.
const block = 4 << 10

// zero says that a block holds nothing but zeros.
const zero = -1

var zeros [block]byte

// contentOf copies the content of a memory.
func contentOf(memory []byte) (c content) {
	size, last := 0, 0
	for at := 0; at < len(memory); at += block {
		if part := blockAt(memory, at); !isZero(part) {
			size, last = size+len(part), at/block+1
		}
	}
	c.copies, c.bytes = make([]int32, last), make([]byte, 0, size)
	for n := range c.copies {
		c.copies[n] = zero
		if part := blockAt(memory, n*block); !isZero(part) {
			c.copies[n] = int32(len(c.bytes))
			c.bytes = append(c.bytes, part...)
		}
	}
	return c
}

// size is how many bytes the copy takes.
func (c *content) size() int64 { return int64(len(c.bytes)) }

// maxTail is how much memory behind the content is cleared, in bytes. It is dearer to clear more than to make a new
// instance, and the memory may not be needed again.
const maxTail = 8 << 20

// restore makes a memory hold the content, and zeros elsewhere, where the marks say that it was written to. It reports false,
// and has done nothing, when the memory has grown beyond what it pays to clear.
func (c *content) restore(memory []byte, blocks rewrite.Blocks, marks rewrite.Marks) bool {
	if len(memory)-len(c.copies)*block > maxTail {
		return false
	}
	size := blocks.Size()
	// Where a mark is about one small block, that was written: to compare it first would cost more than to write it. Of larger
	// blocks, and of several, most is as it was, and may be memory that was never touched.
	written := 0
	if size == block && len(memory) <= rewrite.MarkedBlocks*size {
		written = size
	}
	for left := marks; left != 0; left &= left - 1 {
		bit := bits.TrailingZeros64(uint64(left))
		reach := size
		if marks>>((bit+1)%rewrite.MarkedBlocks)&1 == 0 { // or the next block is looked at anyway
			reach += rewrite.Reach
		}
		for at := bit * size; at < len(memory); at += rewrite.MarkedBlocks * size {
			c.put(memory, at, min(at+written, len(memory)))
			c.restoreSpan(memory, at+written, min(at+reach, len(memory)))
		}
	}
	return true
}

// put makes a part of a memory what it was of which is known that it was written.
func (c *content) put(memory []byte, at, end int) {
	for at < end {
		n := at / block
		part := memory[at:min((n+1)*block, end)]
		if n < len(c.copies) && c.copies[n] != zero {
			copy(part, c.bytes[int(c.copies[n])+at%block:])
		} else {
			clear(part)
		}
		at += len(part)
	}
}

// restoreSpan makes a part of a memory what it was. What has not changed is not written.
func (c *content) restoreSpan(memory []byte, at, end int) {
	for ; at < end; at += block {
		part := memory[at:min(at+block, end)]
		if n := at / block; n < len(c.copies) && c.copies[n] != zero {
			if want := c.bytes[c.copies[n]:][:len(part)]; !bytes.Equal(part, want) {
				copy(part, want)
			}
		} else if !isZero(part) {
			clear(part)
		}
	}
}

// blockAt is the block that begins at an offset; the last one may be shorter.
func blockAt(memory []byte, at int) []byte { return memory[at:min(at+block, len(memory))] }

func isZero(part []byte) bool { return bytes.Equal(part, zeros[:len(part)]) }
