package e2e

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
)

// pattern is repeated without end to make bodies of any size. Its length is a prime, so no buffer's size hides a piece that
// is lost, doubled or moved.
var pattern = sync.OnceValue(func() []byte {
	noise := make([]byte, 1<<20+7)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise) // never fails
	return noise
})

// source reads a body of the given size.
type source struct{ at, size int64 }

func (s *source) Read(p []byte) (int, error) {
	if s.at == s.size {
		return 0, io.EOF
	}
	part := pattern()[s.at%int64(len(pattern())):]
	n := copy(p, part[:min(int64(len(part)), s.size-s.at)])
	s.at += int64(n)
	return n, nil
}

// body is a body of the given size in one piece.
func body(size int64) []byte {
	all, _ := io.ReadAll(&source{size: size}) // never fails
	return all
}

// sink takes a body and compares it with what a source gives.
type sink struct {
	at int64
	// err says what the first difference is. What is written is taken all the same, so that a client can come to its end.
	err error
}

func (s *sink) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		want := pattern()[s.at%int64(len(pattern())):]
		size := min(len(want), len(rest))
		if s.err == nil {
			s.err = compare(rest[:size], want[:size], s.at)
		}
		rest = rest[size:]
		s.at += int64(size)
	}
	return len(p), nil
}

func compare(got, want []byte, at int64) error {
	if bytes.Equal(got, want) {
		return nil
	}
	i := 0
	for got[i] == want[i] {
		i++
	}
	return fmt.Errorf("byte %d of the body is %#02x, want %#02x", at+int64(i), got[i], want[i])
}

// is reports what is wrong with a body that should have been of the given size.
func (s *sink) is(size int64) error {
	if s.err == nil && s.at != size {
		return fmt.Errorf("%d of %d bytes came back", s.at, size)
	}
	return s.err
}
