package http1

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
