package http1

import (
	"math/rand/v2"
	"testing"
)

// TestSkips compares what is tested eight bytes at a time with the same test byte by byte.
func TestSkips(t *testing.T) {
	skips := []struct {
		name string
		skip func(b []byte, i int) int
		pass func(c byte) bool
	}{
		{"text", skipText, func(c byte) bool { return c >= ' ' && c != 0x7f }},
		{"visible", skipVisible, func(c byte) bool { return c > ' ' && c < 0x7f }},
		{"token", skipToken, func(c byte) bool { return is(classToken, c) }},
		{"name-like", skipNameLike, func(c byte) bool {
			return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '-' || c == '.'
		}},
	}
	random := rand.New(rand.NewPCG(1, 2))
	for _, skip := range skips {
		for c := range 256 {
			for length := range 20 {
				for at := range length {
					b := make([]byte, length)
					for i := range b {
						b[i] = "aZ09-."[random.IntN(6)]
					}
					b[at] = byte(c)
					b[random.IntN(length)] |= byte(random.IntN(2)) << 7
					from := random.IntN(length)
					want := from
					for want < length && skip.pass(b[want]) {
						want++
					}
					if got := skip.skip(b, from); got != want {
						t.Fatalf("%s of %q from %d: %d, want %d", skip.name, b, from, got, want)
					}
				}
			}
		}
	}
}
