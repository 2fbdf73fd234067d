package http1

import (
	"encoding/binary"
	"math/bits"
)

// Classes of bytes, one bit each, looked up in classes.
const (
	// classToken: tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "`" / "|" / "~" /
	// DIGIT / ALPHA (RFC 9110 section 5.6.2).
	classToken = 1 << iota
	// classHost: what a reg-name is made of besides pct-encoded: unreserved / sub-delims (RFC 3986 section 3.2.2).
	classHost
	// classScheme: ALPHA / DIGIT / "+" / "-" / "." (RFC 3986 section 3.1).
	classScheme
	// classIPLiteral: what IPvFuture ends with: unreserved / sub-delims / ":" (RFC 3986 section 3.2.2).
	classIPLiteral
	// classQuoted: qdtext = HTAB / SP / %x21 / %x23-5B / %x5D-7E / obs-text (RFC 9110 section 5.6.4).
	classQuoted
	// classText: field-vchar / SP / HTAB, that is HTAB / SP / VCHAR / obs-text (RFC 9110 section 5.5).
	classText
	// classNameLike: ALPHA / DIGIT / "-" / ".", see notNameLike.
	classNameLike
)

// classes gives every byte its classes.
var classes = buildClasses()

func buildClasses() (table [256]uint8) {
	mark := func(class uint8, bytes string) {
		for i := 0; i < len(bytes); i++ {
			table[bytes[i]] |= class
		}
	}
	const (
		alpha     = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		digit     = "0123456789"
		subDelims = "!$&'()*+,;="
	)
	mark(classToken, alpha+digit+"!#$%&'*+-.^_`|~")
	mark(classNameLike, alpha+digit+"-.")
	mark(classHost, alpha+digit+"-._~"+subDelims)
	mark(classScheme, alpha+digit+"+-.")
	mark(classIPLiteral, alpha+digit+"-._~:"+subDelims)
	for c := 0; c < 256; c++ {
		if c == '\t' || c >= ' ' && c != 0x7f {
			table[c] |= classText
			if c != '"' && c != '\\' {
				table[c] |= classQuoted
			}
		}
	}
	return table
}

// is reports whether c belongs to a class.
func is(class, c uint8) bool { return classes[c]&class != 0 }

// IsToken reports whether b is a token: 1*tchar.
func IsToken(b []byte) bool {
	for _, c := range b {
		if !is(classToken, c) {
			return false
		}
	}
	return len(b) > 0
}

// isDigit reports whether c is DIGIT.
func isDigit(c byte) bool { return c-'0' < 10 }

// hexValue is the value of HEXDIG c, or 255.
func hexValue(c byte) byte {
	switch {
	case c-'0' < 10:
		return c - '0'
	case c|0x20-'a' < 6:
		return c | 0x20 - 'a' + 10
	}
	return 255
}

// parseLength reads 1*DIGIT within 63 bits.
func parseLength(b []byte) (length uint64, ok bool) {
	for _, c := range b {
		if !isDigit(c) || length > (1<<63-1)/10 {
			return 0, false
		}
		length = length*10 + uint64(c-'0')
	}
	return length, len(b) > 0 && length < 1<<63
}

// EqualFold reports whether b is the lower-case word in any case.
func EqualFold(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i := 0; i < len(word); i++ {
		c := b[i]
		if c-'A' < 26 {
			c |= 0x20
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// trimSpace removes OWS = *( SP / HTAB ) from both ends.
func trimSpace(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// isSpace reports whether c is SP or HTAB.
func isSpace(c byte) bool { return c == ' ' || c == '\t' }

// nextElement cuts the first element off a list (#element, RFC 9110 section 5.6.1), without the white space around it.
func nextElement(list []byte) (element, rest []byte, more bool) {
	for i, c := range list {
		if c == ',' {
			return trimSpace(list[:i]), list[i+1:], true
		}
	}
	return trimSpace(list), nil, false
}

// hasElement reports whether a list has an element that is not empty.
func hasElement(list []byte) bool {
	for more := true; more; {
		var element []byte
		if element, list, more = nextElement(list); len(element) > 0 {
			return true
		}
	}
	return false
}

// In is the part of b that a span names. ok is false when it does not lie in b.
func (s Span) In(b []byte) (part []byte, ok bool) {
	end := uint64(s.Offset) + uint64(s.Size)
	if end > uint64(len(b)) {
		return nil, false
	}
	return b[s.Offset:end], true
}

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
