package http1

import "testing"

// TestParseLength approaches the bound from both sides.
func TestParseLength(t *testing.T) {
	for text, want := range map[string]int64{
		"": -1, "0": 0, "007": 7, "9223372036854775807": 1<<63 - 1, "9223372036854775808": -1, "99999999999999999999": -1,
		"-1": -1, "1 ": -1, "1a": -1,
	} {
		length, ok := parseLength([]byte(text))
		if ok != (want >= 0) || ok && length != uint64(want) {
			t.Errorf("%q: %d, %v", text, length, ok)
		}
	}
}
