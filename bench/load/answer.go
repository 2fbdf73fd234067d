package load

import (
	"bytes"
	"fmt"
)

// Answer is what a right answer is.
type Answer struct {
	// Status is its status.
	Status int
	// Body is its body; where it is nil, the body is so many bytes of the pattern.
	Body   []byte
	Stream int64
}

// length is that of the body.
func (a *Answer) length() int64 {
	if a.Body != nil {
		return int64(len(a.Body))
	}
	return a.Stream
}

// check compares a piece of a body that begins after so many bytes of it.
func (a *Answer) check(at int64, piece []byte) error {
	if at+int64(len(piece)) > a.length() {
		return fmt.Errorf("the body of an answer has more than %d bytes", a.length())
	}
	if a.Body != nil {
		if want := a.Body[at:][:len(piece)]; !bytes.Equal(piece, want) {
			return fmt.Errorf("answered %q instead of %q", cut(piece), cut(want))
		}
		return nil
	}
	for len(piece) > 0 {
		want := pattern(at, int64(len(piece)))
		if got := piece[:len(want)]; !bytes.Equal(got, want) {
			return fmt.Errorf("the body of an answer differs within %d bytes from byte %d on", len(want), at)
		}
		piece, at = piece[len(want):], at+int64(len(want))
	}
	return nil
}

func cut(b []byte) []byte { return b[:min(len(b), 200)] }

// The pattern is what long bodies hold: the small letters in order, again and again.

const letters = 26

var patternBytes = func() []byte {
	b := make([]byte, 256<<10+letters)
	for i := range b {
		b[i] = 'a' + byte(i%letters)
	}
	return b
}()

// pattern is a part of the pattern from a place on: so many bytes, or as many as there are at hand.
func pattern(from, most int64) []byte {
	b := patternBytes[from%letters:]
	return b[:min(int64(len(b)), most)]
}

// Pattern is the first bytes of the pattern.
func Pattern(length int) []byte {
	var b []byte
	for len(b) < length {
		b = append(b, pattern(int64(len(b)), int64(length-len(b)))...)
	}
	return b
}
