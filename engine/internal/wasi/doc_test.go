package wasi

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestTableInTheDocument compares the table of WASI.md with the functions. SLUICE_UPDATE=1 writes it instead.
func TestTableInTheDocument(t *testing.T) {
	const file, begin, end = "WASI.md", "wasi -->\n", "<!-- end of table -->"
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(content), begin)
	table, after, ends := strings.Cut(rest, end)
	if !begins || !ends {
		t.Fatalf("%s has no table", file)
	}
	if os.Getenv("SLUICE_UPDATE") != "" {
		if err := os.WriteFile(file, []byte(before+begin+markdown()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if table != markdown() {
		t.Errorf("the table of %s is\n%s\nand the functions are\n%s", file, table, markdown())
	}
}

// markdown is the table of all functions.
func markdown() string {
	var b strings.Builder
	fmt.Fprint(&b, "\n| function | does |\n|---|---|\n")
	for i := range functions {
		f := &functions[i]
		does := f.does
		if f.idle != "" && f.idle != noSignals {
			does = "EBADF, as " + string(f.idle) + ". " + does
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", f.name, does)
	}
	fmt.Fprintln(&b)
	return b.String()
}
