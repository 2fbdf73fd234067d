package sandbox

import "bytes"

// content is what a memory holds, without the blocks that hold nothing but zeros: they are most of it as a rule, and to
// compare a block with zeros costs less than half of what it costs to compare it with another.
type content struct {
	spans []span // one behind the other
	end   int    // of the last
}

// span is a part of a memory.
type span struct {
	start int
	bytes []byte
}

// block is how much is compared at a time, in bytes: what did not change is not written.
const block = 4 << 10

var zeros [block]byte

// contentOf copies the content of a memory.
func contentOf(memory []byte) (c content) {
	for at := 0; at < len(memory); {
		end := at
		for end < len(memory) && !isZero(blockAt(memory, end)) {
			end += len(blockAt(memory, end))
		}
		if end > at {
			c.spans = append(c.spans, span{at, bytes.Clone(memory[at:end])})
			c.end = end
			at = end
			continue
		}
		at += len(blockAt(memory, at))
	}
	return c
}

// size is how many bytes the copy takes.
func (c *content) size() (size int64) {
	for i := range c.spans {
		size += int64(len(c.spans[i].bytes))
	}
	return size
}

// maxTail is how much memory behind the content is cleared, in bytes. It is dearer to clear more than to make a new
// instance, and the memory may not be needed again.
const maxTail = 8 << 20

// restore makes a memory hold the content, and zeros elsewhere. It reports false, and has done nothing, when the memory has
// grown beyond what it pays to clear.
func (c *content) restore(memory []byte) bool {
	if len(memory)-c.end > maxTail {
		return false
	}
	at := 0
	for i := range c.spans {
		s := &c.spans[i]
		clearChanged(memory[at:s.start])
		at = s.start + len(s.bytes)
		copyChanged(memory[s.start:at], s.bytes)
	}
	clearChanged(memory[at:])
	return true
}

// copyChanged copies the blocks that differ.
func copyChanged(to, from []byte) {
	for at := 0; at < len(to); at += block {
		if part, want := blockAt(to, at), blockAt(from, at); !bytes.Equal(part, want) {
			copy(part, want)
		}
	}
}

// clearChanged clears the blocks that are not zero.
func clearChanged(memory []byte) {
	for at := 0; at < len(memory); at += block {
		if part := blockAt(memory, at); !isZero(part) {
			clear(part)
		}
	}
}

// blockAt is the block that begins at an offset; the last one may be shorter.
func blockAt(memory []byte, at int) []byte { return memory[at:min(at+block, len(memory))] }

func isZero(part []byte) bool { return bytes.Equal(part, zeros[:len(part)]) }
