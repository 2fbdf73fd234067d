package corpus

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// decodeLines reads an input: each line ends with CRLF, unless a "\" at its end takes that away.
func decodeLines(lines []string) ([]byte, error) {
	out := []byte{}
	for _, line := range lines {
		if strings.HasSuffix(line, " ") {
			return nil, fmt.Errorf(`%q ends with a space that nobody sees: write \x20`, line)
		}
		end := "\r\n"
		if backslashes := len(line) - len(strings.TrimRight(line, `\`)); backslashes%2 == 1 {
			line, end = line[:len(line)-1], ""
		}
		decoded, err := decode(line)
		if err != nil {
			return nil, err
		}
		out = append(append(out, decoded...), end...)
	}
	return out, nil
}

// escape is one escape sequence, or a backslash that begins none.
var escape = regexp.MustCompile(`\\(\{[^}]*\*\d+\}|x[0-9a-fA-F]{2}|.|$)`)

// decode reads text with escapes. Only visible ASCII and spaces stand for themselves.
func decode(text string) ([]byte, error) {
	var wrong error
	out := escape.ReplaceAllFunc([]byte(text), func(sequence []byte) []byte {
		b, err := unescape(string(sequence[1:]))
		if err != nil {
			wrong = err
		}
		return b
	})
	if i := strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' }); i >= 0 {
		return nil, fmt.Errorf(`%q has a byte that has to be written as \xHH`, text)
	}
	return out, wrong
}

// unescape reads one escape sequence, without its backslash.
func unescape(sequence string) ([]byte, error) {
	switch sequence {
	case "r":
		return []byte("\r"), nil
	case "n":
		return []byte("\n"), nil
	case "t":
		return []byte("\t"), nil
	case "0":
		return []byte{0}, nil
	case `\`:
		return []byte(`\`), nil
	}
	switch {
	case strings.HasPrefix(sequence, "x") && len(sequence) == 3:
		value, err := strconv.ParseUint(sequence[1:], 16, 8)
		return []byte{byte(value)}, err
	case strings.HasPrefix(sequence, "{") && strings.HasSuffix(sequence, "}"):
		star := strings.LastIndexByte(sequence, '*')
		text, err := decode(sequence[1:star])
		if err != nil {
			return nil, err
		}
		count, err := strconv.Atoi(sequence[star+1 : len(sequence)-1])
		return bytes.Repeat(text, count), err
	}
	return nil, fmt.Errorf(`\%s is no escape`, sequence)
}

// longRun is from how many equal bytes on a run is written as a repetition.
const longRun = 24

// encode writes bytes as text that decode reads.
func encode(b []byte) string {
	var out strings.Builder
	for len(b) > 0 {
		run := len(b) - len(bytes.TrimLeft(b, string(rune(b[0]))))
		if b[0] >= 0x80 || run < longRun {
			run = 1
		}
		if run > 1 {
			fmt.Fprintf(&out, `\{%s*%d}`, encodeByte(b[0]), run)
		} else {
			out.WriteString(encodeByte(b[0]))
		}
		b = b[run:]
	}
	return out.String()
}

// encodeByte writes one byte.
func encodeByte(c byte) string {
	switch {
	case c == '\r':
		return `\r`
	case c == '\n':
		return `\n`
	case c == '\t':
		return `\t`
	case c == 0:
		return `\0`
	case c == '\\':
		return `\\`
	case c < ' ' || c > '~':
		return fmt.Sprintf(`\x%02x`, c)
	}
	return string(rune(c))
}
