package sluice

// Query is what follows the question mark of a target, or a body of the type application/x-www-form-urlencoded: pairs of
// names and values, in which a plus sign stands for a space.
type Query string

// Get is the first value of a name, decoded; empty when there is none.
func (q Query) Get(name string) string {
	value, _ := q.lookup(name)
	return value
}

// Has reports whether there is a name.
func (q Query) Has(name string) bool {
	_, ok := q.lookup(name)
	return ok
}

func (q Query) lookup(name string) (value string, ok bool) {
	for rest := string(q); rest != ""; {
		var pair string
		pair, rest = cut(rest, '&')
		key, value := cut(pair, '=')
		if pair != "" && decode(key) == name {
			return decode(value), true
		}
	}
	return "", false
}

// All goes through the pairs, decoded, in the order in which they were sent. What is not encoded properly stands for itself;
// [Query.Valid] finds it.
func (q Query) All() func(yield func(name, value string) bool) {
	return func(yield func(name, value string) bool) {
		for rest := string(q); rest != ""; {
			var pair, name, value string
			pair, rest = cut(rest, '&')
			if pair == "" {
				continue
			}
			name, value = cut(pair, '=')
			if !yield(decode(name), decode(value)) {
				return
			}
		}
	}
}

// Valid reports whether every percent sign is followed by two hexadecimal digits.
func (q Query) Valid() bool {
	for i := range len(q) {
		if q[i] == '%' && (i+2 >= len(q) || digit(q[i+1]) < 0 || digit(q[i+2]) < 0) {
			return false
		}
	}
	return true
}

func cut(s string, at byte) (before, after string) {
	for i := range len(s) {
		if s[i] == at {
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// decode makes spaces of plus signs, and bytes of percent signs with two digits.
func decode(s string) string {
	i := 0
	for i < len(s) && s[i] != '%' && s[i] != '+' {
		i++
	}
	if i == len(s) {
		return s
	}
	decoded := append(make([]byte, 0, len(s)), s[:i]...)
	for ; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '+':
			c = ' '
		case c == '%' && i+2 < len(s) && digit(s[i+1]) >= 0 && digit(s[i+2]) >= 0:
			c = byte(digit(s[i+1])<<4 | digit(s[i+2]))
			i += 2
		}
		decoded = append(decoded, c)
	}
	return text(decoded)
}

// digit is the value of a hexadecimal digit, -1 for what is none.
func digit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
