package sandbox

import (
	"bytes"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestVisible(t *testing.T) {
	for _, test := range []struct{ name, line, want string }{
		{"plain", `GET /a?b="c" 100%`, `GET /a?b="c" 100%`},
		{"letters", "Ünïcödé 漢字 🦫", "Ünïcödé 漢字 🦫"},
		{"backslash", `C:\x1b`, `C:\x1b`},
		{"tab and return", "a\tb\r", `a\x09b\x0d`},
		{"terminal", "\x1b[2J\x07\x00\x7f", `\x1b[2J\x07\x00\x7f`},
		{"terminal, C1", "\u009b2J\u0085", `\u009b2J\u0085`},
		{"direction", "a\u202eb\u2066", `a\u202eb\u2066`},
		{"line ends of Unicode", "a\u2028b\u2029", `a\u2028b\u2029`},
		{"not to be seen", "a\u200bb\ufeffc\u00a0d", `a\u200bb\ufeffc\u00a0d`},
		{"private and far", "\ue000\U000e0041\U0010ffff", `\ue000\U000e0041\U0010ffff`},
		{"no UTF-8", "a\xffb\xc3", `a\xffb\xc3`},
		{"surrogate", "\xed\xa0\x80", `\xed\xa0\x80`},
		{"replacement character", "\ufffd", "\ufffd"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, whole := visible([]byte(test.line), 1000); got != test.want || !whole {
				t.Errorf("got %s (whole: %v), want %s", got, whole, test.want)
			}
		})
	}
}

func TestVisibleIsCutBetweenCharacters(t *testing.T) {
	for limit, want := range []string{"", "a", "a", "aé", "aé", "aé", "aé", `aé\x1b`, `aé\x1bz`} {
		got, whole := visible([]byte("aé\x1bz"), limit)
		if got != want || whole != (got == `aé\x1bz`) {
			t.Errorf("limit %d: %q (whole: %v), want %q", limit, got, whole, want)
		}
	}
}

// FuzzVisible looks for lines that do harm in a log.
func FuzzVisible(f *testing.F) {
	f.Add([]byte("plain"), 10)
	f.Add([]byte("\x1b[2J\u202e\xff\n"), 100)
	f.Fuzz(func(t *testing.T, line []byte, limit int) {
		limit &= 0xffff
		got, whole := visible(line, limit)
		if len(got) > limit || !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("visible(%q, %d) = %q", line, limit, got)
		}
		if whole && len(got) < len(line) {
			t.Errorf("visible(%q, %d) = %q, which is not the whole line", line, limit, got)
		}
	})
}

// TestPrintingIsCharged within the call that prints, and not at the end of a session, when nobody runs who could pay.
func TestPrintingIsCharged(t *testing.T) {
	var charged int64
	p := printer{log: slog.New(slog.DiscardHandler), charge: func(units int64) { charged += units }, left: 1000}
	o := output{printer: &p, stream: "stdout"}
	_, _ = o.Write([]byte("one\ntwo\nthree"))
	if want := int64(2*lineUnits + 6*lineByteUnits); charged != want {
		t.Errorf("charged %d, want %d", charged, want)
	}
	charged = 0
	o.flush()
	if charged != 0 || len(o.line) != 0 {
		t.Errorf("charged %d at the end, and %q is left", charged, o.line)
	}
}

// BenchmarkPrintLine prints lines into a log that writes nowhere.
func BenchmarkPrintLine(b *testing.B) {
	for _, size := range []int{10, 100, maxOutputLine} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			p := printer{log: slog.New(slog.NewTextHandler(io.Discard, nil)), charge: func(int64) {}}
			o := output{printer: &p, stream: "stdout"}
			line := append(bytes.Repeat([]byte("x"), size), '\n')
			b.ReportAllocs()
			for b.Loop() {
				p.left = 1 << 30
				_, _ = o.Write(line)
			}
		})
	}
}
