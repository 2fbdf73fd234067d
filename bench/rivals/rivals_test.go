package rivals

import (
	"context"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/sluicehttp/sluice/bench/workloads"
)

func TestTable(t *testing.T) {
	var names []string
	for _, s := range Table {
		names = append(names, s.Name)
		if s.Name == "" || s.About == "" || s.Version == nil || s.Start == nil {
			t.Errorf("%q lacks a part", s.Name)
		}
		if !s.Answers(workloads.Hello) {
			t.Errorf("%s does not even say hello", s.Name)
		}
	}
	sorted := slices.Sorted(slices.Values(names))
	if len(slices.Compact(sorted)) != len(names) {
		t.Errorf("a name is there twice: %v", names)
	}
	for _, w := range workloads.Table {
		for _, name := range slices.Concat(w.Servers, w.Against) {
			if !slices.Contains(names, name) {
				t.Errorf("%s names %s, which is no server", w.Name, name)
			}
		}
	}
	if _, err := Named("apache"); err == nil || !strings.Contains(err.Error(), "net/http") {
		t.Errorf("%v does not list the servers", err)
	}
}

func TestAddressIn(t *testing.T) {
	for line, want := range map[string]string{
		"127.0.0.1:80":                    "127.0.0.1:80",
		"Listening on http://[::1]:4711/": "[::1]:4711",
		"loading":                         "",
		"":                                "",
		"see http://example.com/":         "",
	} {
		if got := addressIn(line); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

// TestFailedStart tells why a program does not listen.
func TestFailedStart(t *testing.T) {
	fails := func() *exec.Cmd {
		return exec.CommandContext(t.Context(), "sh", "-c", "echo no such option >&2; exit 1")
	}
	address, err := FreeAddress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, start := range map[string]func() (*Process, error){
		"Run":         func() (*Process, error) { return Run(t.Context(), fails(), address) },
		"RunPrinting": func() (*Process, error) { return RunPrinting(t.Context(), fails()) },
	} {
		if _, err := start(); err == nil || !strings.Contains(err.Error(), "no such option") {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, exec.CommandContext(t.Context(), "sleep", "60"), address); err == nil {
		t.Error("nobody listens, and it was said to")
	}
}

func TestMissing(t *testing.T) {
	_, err := workerdVersion(t.Context(), &Site{Root: t.TempDir()})
	if reason, missing := IsMissing(err); !missing || !strings.Contains(reason, "install.sh") {
		t.Errorf("%v", err)
	}
}
