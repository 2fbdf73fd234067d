package http1

import (
	"encoding/binary"
	"math/bits"
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

// load32 and load16 are the four and the two bytes that begin at b[i].
func load32(b []byte, i int) uint32 { return binary.LittleEndian.Uint32(b[i:]) }
func load16(b []byte, i int) uint16 { return binary.LittleEndian.Uint16(b[i:]) }

// firstLane is the number of the first marked lane, 8 when none is.
func firstLane(mask uint64) int { return bits.TrailingZeros64(mask) >> 3 }

// notText marks the lanes up to and with the first that is not SP, VCHAR or obs-text. Behind that one the marks mean
// nothing, for the subtractions borrow.
func notText(word uint64) uint64 {
	del := word ^ laneLow
	return ((word-' '*lanes)&^word | (del-lanes)&^del) & laneTops
}

// notVisible marks like notText the lanes that are not VCHAR (%x21-7E).
func notVisible(word uint64) uint64 {
	del := word ^ laneLow
	return ((word-'!'*lanes)&^word | word | (del-lanes)&^del) & laneTops
}

// notNameLike marks the lanes that are not ALPHA, DIGIT, "-" or ".", which nearly all field names and host names are made
// of. The additions stay within their lanes, so every mark is true.
func notNameLike(word uint64) uint64 {
	low := word & laneLow
	lower := low | 0x20*lanes
	letter := (lower + (0x80-'a')*lanes) &^ (lower + (0x7f-'z')*lanes)
	digit := (low + (0x80-'0')*lanes) &^ (low + (0x7f-'9')*lanes)
	point := (low + (0x80-'-')*lanes) &^ (low + (0x7f-'.')*lanes)
	return (^(letter | digit | point) | word) & laneTops
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
