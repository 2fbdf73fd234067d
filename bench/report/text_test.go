package report

import (
	"strings"
	"testing"
)

func TestTextTable(t *testing.T) {
	var text strings.Builder
	table := NewTable(&text, "name", "µs", "")
	table.Row("a", "10.5", "[1-2]")
	table.Row("longer", "7", "")
	table.End()
	want := "name      µs\n" + "a       10.5  [1-2]\n" + "longer     7\n"
	if text.String() != want {
		t.Errorf("got\n%s\nwant\n%s", text.String(), want)
	}
}

func TestGrouped(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 1.234: "1.23", 12.34: "12.3", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := grouped(v); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
}
