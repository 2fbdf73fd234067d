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

// TestEnds compares what is tested four words at a time with the same test byte by byte.
func TestEnds(t *testing.T) {
	ends := []struct {
		name string
		end  func(w window, i, end int) int
		pass func(c byte) bool
		most int // how far it looks at once
	}{
		{"visible", window.visibleEnd, func(c byte) bool { return c > ' ' && c < 0x7f }, 32},
		{"text", window.textEnd, func(c byte) bool { return c >= ' ' && c != 0x7f }, 32},
		{"name", window.nameEnd, func(c byte) bool { return is(classNameLike, c) }, 16},
	}
	random := rand.New(rand.NewPCG(13, 14))
	for _, test := range ends {
		for c := range 256 {
			for at := range 100 {
				b := make([]byte, 200)
				for i := range b {
					b[i] = "aZ09-."[random.IntN(6)]
				}
				b[at] = byte(c)
				b[random.IntN(len(b))] |= byte(random.IntN(2)) << 7
				from, end := random.IntN(60), random.IntN(120)
				want := from
				for want < end && test.pass(b[want]) {
					want++
				}
				got := test.end(open(b), from, end)
				if got != want && (want < end || got < end || got > max(from, end)+test.most) {
					t.Fatalf("%s of %q from %d to %d: %d, want %d", test.name, b, from, end, got, want)
				}
			}
		}
	}
}

// TestFirstLane marks every set of lanes whose first is the one that counts.
func TestFirstLane(t *testing.T) {
	random := rand.New(rand.NewPCG(15, 16))
	for first := range 33 {
		for range 100 {
			var words [4]uint64
			for lane := range 32 {
				if lane == first || lane > first && random.IntN(2) == 0 {
					words[lane/8] |= 0x80 << (lane % 8 * 8)
				}
			}
			if got := firstOfFour(words[0], words[1], words[2], words[3]); got != first {
				t.Fatalf("%x: %d, want %d", words, got, first)
			}
			if got := firstOfTwo(words[0], words[1]); got != min(first, 16) {
				t.Fatalf("%x: %d of two, want %d", words[:2], got, min(first, 16))
			}
		}
	}
}
