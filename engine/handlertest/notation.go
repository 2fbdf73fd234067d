package handlertest

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bytes as text. Transcripts write them so, and failures show them so.

// maxRepeated bounds what a repetition makes, in bytes.
const maxRepeated = 1 << 30

// escape is one escape sequence, or a backslash that begins none.
var escape = regexp.MustCompile(`\\(\{[^}]*\*\d+\}|x[0-9a-fA-F]{2}|.|$)`)

// decodeLine reads a line of a transcript.
func decodeLine(line string) ([]byte, error) {
	if strings.HasSuffix(line, " ") {
		return nil, fmt.Errorf(`%q ends with a space that nobody sees: write \x20`, line)
	}
	return decode(line)
}

// decode reads text with escapes. What can be seen stands for itself.
func decode(text string) ([]byte, error) {
	if i := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
		return nil, fmt.Errorf(`%q has a byte that has to be written as \xHH`, text)
	}
	var wrong error
	out := escape.ReplaceAllFunc([]byte(text), func(sequence []byte) []byte {
		b, err := unescape(string(sequence[1:]))
		if err != nil {
			wrong = err
		}
		return b
	})
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
	case strings.HasPrefix(sequence, "{") && len(sequence) > 1:
		return repetition(sequence[1 : len(sequence)-1])
	}
	return nil, fmt.Errorf(`\%s is no escape; there are \r \n \t \0 \\ \xHH \{text*count} \{mod N*count}`, sequence)
}

// modulo is what a repetition repeats when it counts: "mod 251", or "mod 251 from 1000".
var modulo = regexp.MustCompile(`^mod (\d+)(?: from (\d+))?$`)

// repetition reads "text*count", the text so often, or "mod N from K*count", so many bytes of which number i is (K+i) mod N.
func repetition(sequence string) ([]byte, error) {
	star := strings.LastIndexByte(sequence, '*')
	count, err := strconv.Atoi(sequence[star+1:])
	if err != nil || count > maxRepeated {
		return nil, fmt.Errorf(`\{%s} makes more than 1 GiB`, sequence)
	}
	if counting := modulo.FindStringSubmatch(sequence[:star]); counting != nil {
		n, err := strconv.Atoi(counting[1])
		if err != nil || n < 1 || n > 256 {
			return nil, fmt.Errorf(`\{%s}: bytes count modulo 1 to 256`, sequence)
		}
		from, _ := strconv.Atoi("0" + counting[2])
		return counted(n, from, count), nil
	}
	text, err := decode(sequence[:star])
	if err != nil {
		return nil, err
	}
	if len(text)*count > maxRepeated {
		return nil, fmt.Errorf(`\{%s} makes more than 1 GiB`, sequence)
	}
	return bytes.Repeat(text, count), nil
}

// counted is count bytes, of which number i is (from+i) modulo n.
func counted(n, from, count int) []byte {
	cycle := make([]byte, n)
	for i := range cycle {
		cycle[i] = byte((from + i) % n)
	}
	return bytes.Repeat(cycle, count/n+1)[:count]
}

// longRun is from how many equal bytes on a run is written as a repetition.
const longRun = 24

// encode writes bytes as text that decode reads.
func encode(b []byte) string {
	var out strings.Builder
	for len(b) > 0 {
		text, size := encodeFirst(b)
		if run := len(b) - len(bytes.TrimLeft(b, string(b[:1]))); b[0] < utf8.RuneSelf && run >= longRun {
			text, size = fmt.Sprintf(`\{%s*%d}`, strings.Replace(text, "}", `\x7d`, 1), run), run
		}
		out.WriteString(text)
		b = b[size:]
	}
	if text, ends := strings.CutSuffix(out.String(), " "); ends {
		return text + `\x20`
	}
	return out.String()
}

// encodeFirst writes the first character, or the first byte if it is none that can be seen, and gives its size.
func encodeFirst(b []byte) (text string, size int) {
	switch b[0] {
	case '\r':
		return `\r`, 1
	case '\n':
		return `\n`, 1
	case '\t':
		return `\t`, 1
	case 0:
		return `\0`, 1
	case '\\':
		return `\\`, 1
	}
	if r, size := utf8.DecodeRune(b); unicode.IsPrint(r) && (r != utf8.RuneError || size > 1) {
		return string(r), size
	}
	return fmt.Sprintf(`\x%02x`, b[0]), 1
}
