package transport

import "sync"

// buffer is memory for bytes that wait. Connections take one when they need it and give it back: an idle one has none.
type buffer struct{ bytes []byte }

// largestBuffer is the largest that is kept for another use, in bytes.
const largestBuffer = 4 * highWater

var buffers = sync.Pool{New: func() any { return &buffer{bytes: make([]byte, 0, 4<<10)} }}

// newBuffer takes an empty buffer.
func newBuffer() *buffer { return buffers.Get().(*buffer) }

// content is what the buffer holds; nothing for nil.
func (b *buffer) content() []byte {
	if b == nil {
		return nil
	}
	return b.bytes
}

// release gives the buffer back, and with it what it holds. Nil is no buffer.
func (b *buffer) release() {
	if b != nil && cap(b.bytes) <= largestBuffer {
		b.bytes = b.bytes[:0]
		buffers.Put(b)
	}
}
