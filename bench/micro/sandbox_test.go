package micro

import (
	"strings"
	"testing"
)

func TestSandboxTables(t *testing.T) {
	part := &sandboxPart{title: "isolation", bench: "BenchmarkIsolation", columns: []sandboxColumn{
		{unit: "clean-ns", title: "clean ns"},
		{unit: "more-us", title: "more", most: map[string]float64{"128KiB": 5, "": 7}},
	}}
	output := func(more string) string {
		return "goos: linux\nBenchmarkIsolation/128KiB-2 \t 500\t 6077 clean-ns\t " + more + " more-us\t 0 ns/op\n" +
			"BenchmarkIsolation/1-MiB \t 20\t 9e4 clean-ns\t 9 more-us\nPASS\n"
	}
	var text strings.Builder
	part.write(&text, []figures{part.read(output("4")), part.read(output("5.5")), part.read(output("6"))})
	got := strings.Join(strings.Fields(text.String()), " ")
	for _, want := range []string{
		"128KiB 6077 [6077-6077] - 5.5 [4-6] 5: missed", "1-MiB 9e+04 [9e+04-9e+04] - 9 [9-9] -", "more in the median: 7.25 (7: missed)",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, text.String())
		}
	}
	if held := part.columns[1].judge("128KiB", 5); held != "5: held" {
		t.Error(held)
	}
	if none := part.read("PASS\n"); len(none.Names) != 0 {
		t.Errorf("%v in an empty output", none)
	}
}
