package http1

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// Eight bytes at a time. A word holds eight bytes as lanes, the first in the lowest; a mask marks lanes by their top bits.
// Mainline Go compiles every jump of a WebAssembly function to a jump through a table, so a test of eight bytes that does
// not branch costs little more than the test of one.
const (
	lanes    = 0x0101010101010101
	laneTops = 0x80 * lanes
	laneLow  = 0x7f * lanes
)

// load is the word that begins at b[i]. There must be eight bytes.
func load(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i:]) }

// load32 is the four bytes that begin at b[i].
func load32(b []byte, i int) uint32 { return binary.LittleEndian.Uint32(b[i:]) }

// window shows a buffer in words, without a test of bounds for each of them. Whoever opens it has to know how far it goes.
type window struct{ start unsafe.Pointer }

// open opens a window on a buffer, which must not be nil.
func open(b []byte) window { return window{unsafe.Pointer(unsafe.SliceData(b))} }

// word is the word that begins at offset i, half the lower half of it. There must be as many bytes in the buffer.
func (w window) word(i int) uint64 {
	return binary.LittleEndian.Uint64((*[8]byte)(unsafe.Add(w.start, i))[:])
}

func (w window) half(i int) uint64 {
	return uint64(binary.LittleEndian.Uint32((*[4]byte)(unsafe.Add(w.start, i))[:]))
}

// firstLane is the number of the first marked lane, 8 when none is.
func firstLane(mask uint64) int { return bits.TrailingZeros64(mask) >> 3 }

// firstOfTwo and firstOfFour are the number of the first marked lane of several words, 16 and 32 when none is. A lane of a
// word counts when all lanes of those before it do, that is when the sum so far is a multiple of eight.
func firstOfTwo(a, b uint64) int {
	n := firstLane(a)
	return n + firstLane(b)&-(n>>3)
}

func firstOfFour(a, b, c, d uint64) int {
	n := firstOfTwo(a, b)
	n += firstLane(c) & -(n >> 4)
	return n + firstLane(d)&-(n>>3&(n>>4))
}

// The masks that follow come of sums that stay within their lanes, so every mark is true. Two sums with the bounds of a
// range differ in the top bit where the lane is in the range.

// notText marks the lanes that are not SP, VCHAR or obs-text.
func notText(word uint64) uint64 {
	low := word & laneLow
	return ((low+(0x80-' ')*lanes)^(low+(0x7f-'~')*lanes)|word)&laneTops ^ laneTops
}

// notVisible marks the lanes that are not VCHAR (%x21-7E).
func notVisible(word uint64) uint64 {
	low := word & laneLow
	return ((low + (0x80-'!')*lanes) ^ (low + (0x7f-'~')*lanes) ^ laneTops | word) & laneTops
}

// notNameLike marks the lanes that are not ALPHA, DIGIT, "-" or ".", which nearly all field names and host names are made
// of.
func notNameLike(word uint64) uint64 {
	low := word & laneLow
	lower := low | 0x20*lanes
	letter := (lower + (0x80-'a')*lanes) ^ (lower + (0x7f-'z')*lanes)
	digit := (low + (0x80-'0')*lanes) ^ (low + (0x7f-'9')*lanes)
	point := (low + (0x80-'-')*lanes) ^ (low + (0x7f-'.')*lanes)
	return (letter ^ digit ^ point ^ laneTops | word) & laneTops
}

// skipText is the first index at or after i of a byte that is not SP, VCHAR or obs-text, or len(b).
func skipText(b []byte, i int) int {
	for len(b)-i >= 8 {
		if mask := notText(load(b, i)); mask != 0 {
			return i + firstLane(mask)
		}
		i += 8
	}
	for i < len(b) && b[i] >= ' ' && b[i] != 0x7f {
		i++
	}
	return i
}

// skipValue is the first index at or after i of a byte that may not stand in a field value, or len(b).
func skipValue(b []byte, i int) int {
	for {
		if i = skipText(b, i); i == len(b) || b[i] != '\t' {
			return i
		}
		i++
	}
}

// skipVisible is the first index at or after i of a byte that is not VCHAR, or len(b).
func skipVisible(b []byte, i int) int {
	for len(b)-i >= 8 {
		if mask := notVisible(load(b, i)); mask != 0 {
			return i + firstLane(mask)
		}
		i += 8
	}
	for i < len(b) && b[i]-'!' < 0x7f-'!' {
		i++
	}
	return i
}

// skipToken is the first index at or after i of a byte that is not a tchar, or len(b).
func skipToken(b []byte, i int) int {
	for len(b)-i >= 8 {
		mask := notNameLike(load(b, i))
		if mask == 0 {
			i += 8
			continue
		}
		i += firstLane(mask)
		if !is(classToken, b[i]) {
			return i
		}
		i++
	}
	for i < len(b) && is(classToken, b[i]) {
		i++
	}
	return i
}

// skipNameLike is the first index at or after i of a byte that is not ALPHA, DIGIT, "-" or ".", or len(b).
func skipNameLike(b []byte, i int) int {
	for len(b)-i >= 8 {
		if mask := notNameLike(load(b, i)); mask != 0 {
			return i + firstLane(mask)
		}
		i += 8
	}
	for i < len(b) && is(classNameLike, b[i]) {
		i++
	}
	return i
}
