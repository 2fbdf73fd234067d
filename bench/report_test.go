package main

import (
	"strings"
	"testing"
	"time"
)

func TestComparison(t *testing.T) {
	base := result{rival: rival{name: hellos.base, about: "the base"}, slots: rounds(20, 25, 50)}
	good := result{rival: rival{name: "good", about: "twice as good", guarded: true}, slots: rounds(10, 12, 25)}
	var text strings.Builder
	writeComparison(&text, &options{Connections: 1, Rounds: 3, Duration: time.Second}, hellos.base, []result{base, good})
	got := strings.Join(strings.Fields(text.String()), " ")
	for _, want := range []string{
		"net/http 40000 [20000-50000] 1.00 [1.00-1.00] 25.0 25.0 1000 1000 1000000 4.0",
		"good 83333 [40000-100000] 2.00 [2.00-2.08] 12.0 12.0 1000 1000 1000000 4.0",
		"good twice as good",
		"Noisy figures, whose middle half spreads by: net/http 75 %, good 72 %.",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, text.String())
		}
	}
}

func TestTable(t *testing.T) {
	var text strings.Builder
	table := newTable(&text, "name", "µs", "")
	table.row("a", "10.5", "[1-2]")
	table.row("longer", "7", "")
	table.end()
	want := "name      µs\n" + "a       10.5  [1-2]\n" + "longer     7\n"
	if text.String() != want {
		t.Errorf("got\n%s\nwant\n%s", text.String(), want)
	}
}
