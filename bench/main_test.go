package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/bench/measure"
	"github.com/sluicehttp/sluice/bench/report"
	"github.com/sluicehttp/sluice/bench/rivals"
	"github.com/sluicehttp/sluice/bench/workloads"
)

// costEnv has the program of these tests be a server whose requests cost so much processor time.
const costEnv = "BENCH_TEST_COST"

func TestMain(m *testing.M) {
	if cost := os.Getenv(costEnv); cost != "" {
		serveAtCost(cost)
		return
	}
	os.Exit(m.Run())
}

func serveAtCost(text string) {
	cost, err := time.ParseDuration(text)
	if err != nil {
		panic(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr())
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for begin := time.Now(); time.Since(begin) < cost; {
		}
		io.WriteString(w, "Hello, world!\n")
	}))
	io.Copy(io.Discard, os.Stdin)
}

// TestGuard measures real processes. A server that is slow makes the guard fail, one that was slow for once does not, and every
// round is there in the results.
func TestGuard(t *testing.T) {
	for _, test := range []struct {
		name        string
		first, then string // what a request costs Sluice in the first comparison, and in the second
		fails       bool
	}{
		{"good", "0s", "0s", false},
		{"regression", "3ms", "3ms", true},
		{"noise", "3ms", "0s", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			started := 0
			sluice := func() string {
				if started++; started == 1 {
					return test.first
				}
				return test.then
			}
			options := testOptions(t, atCost(t, "net/http", func() string { return "300us" }), atCost(t, "sluice", sluice))
			results, err := measure.Run(t.Context(), options)
			if err != nil || len(results.Failures()) > 0 {
				t.Fatal(err, results.Failures())
			}
			for _, m := range results.Workloads[0].Servers {
				if len(m.Rounds) != options.Rounds || len(m.Paced) != options.Paced {
					t.Errorf("%s had %d and %d rounds", m.Server, len(m.Rounds), len(m.Paced))
				}
			}
			if err := guard(t.Context(), options, results); (err != nil) != test.fails {
				t.Errorf("the guard says: %v", err)
			}
			if wanted := map[bool]int{true: 1, false: 2}[test.name == "good"]; started != wanted {
				t.Errorf("it was measured %d times, want %d", started, wanted)
			}
		})
	}
}

// TestWrongServers notes servers that answer wrongly, do not start or end, and measures the others.
func TestWrongServers(t *testing.T) {
	good := atCost(t, "net/http", func() string { return "1us" })
	broken := rivals.Server{Name: "broken", Version: good.Version, Start: func(ctx context.Context, _ *rivals.Site) (*rivals.Process, error) {
		return rivals.RunPrinting(ctx, exec.CommandContext(ctx, "sh", "-c", "echo it is broken >&2"))
	}}
	wrong := rivals.Server{Name: "wrong", Version: good.Version, Start: func(ctx context.Context, _ *rivals.Site) (*rivals.Process, error) {
		answer := `printf '127.0.0.1:9\n'; cat`
		return rivals.RunPrinting(ctx, exec.CommandContext(ctx, "sh", "-c", answer))
	}}
	gone := rivals.Server{Name: "gone", Start: good.Start, Version: func(context.Context, *rivals.Site) (string, error) {
		return "", rivals.Missingf("it cannot be had")
	}}
	options := testOptions(t, good, broken, wrong, gone)
	results, err := measure.Run(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	if w := results.Workloads[0]; len(w.Servers) != 1 || len(w.Lacks) != 3 {
		t.Errorf("%+v", w)
	}
	failures := strings.Join(results.Failures(), "\n")
	if !strings.Contains(failures, "it is broken") || !strings.Contains(failures, "wrong") || strings.Contains(failures, "gone") {
		t.Errorf("failures:\n%s", failures)
	}
	var text strings.Builder
	report.Text(&text, results)
	if !strings.Contains(text.String(), "gone is not here: it cannot be had.") {
		t.Error(text.String())
	}
	options.Named = true
	if _, err := measure.Run(t.Context(), options); err == nil || !strings.Contains(err.Error(), "gone: it cannot be had") {
		t.Errorf("a server that was named cannot be had: %v", err)
	}
}

func testOptions(t *testing.T, servers ...rivals.Server) *measure.Options {
	options := &measure.Options{Rounds: 2, Paced: 1, Duration: 50 * time.Millisecond, Servers: servers, Tell: t.Logf}
	options.Site.Scratch = t.TempDir()
	for _, w := range workloads.Table {
		if w.Name == "hello-64" {
			options.Workloads = append(options.Workloads, w)
		}
	}
	return options
}

// atCost is a server that costs what is said each time that it is started.
func atCost(t *testing.T, name string, cost func() string) rivals.Server {
	self, err := filepath.Abs(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	return rivals.Server{
		Name:    name,
		Version: func(context.Context, *rivals.Site) (string, error) { return "1", nil },
		Start: func(ctx context.Context, _ *rivals.Site) (*rivals.Process, error) {
			cmd := exec.CommandContext(ctx, self)
			cmd.Env = append(os.Environ(), costEnv+"="+cost())
			return rivals.RunPrinting(ctx, cmd)
		},
	}
}

func TestOptions(t *testing.T) {
	for _, args := range [][]string{
		{"--rounds", "0"}, {"--paced", "-1"}, {"--duration", "1ms"}, {"--warm-up", "-1s"}, {"--workloads", "none"}, {"--servers", "apache"},
		{"--servers", "workerd", "--workloads", "tenants-1"}, {"frobnicate"}, {"report"}, {"report", "none.json"},
	} {
		cmd := command()
		cmd.SetArgs(args)
		if err := cmd.ExecuteContext(t.Context()); err == nil {
			t.Errorf("%q were taken", args)
		}
	}
}

func TestShort(t *testing.T) {
	f := &compareFlags{short: true, rounds: 3, paced: 2}
	f.shorten(func(name string) bool { return name == "rounds" })
	if f.rounds != 3 || f.paced != 0 {
		t.Errorf("%+v", f)
	}
	chosen, runs, err := f.choose()
	if err != nil || len(chosen) == 0 || len(runs) > 0 {
		t.Fatalf("%v, %v, %v", chosen, runs, err)
	}
	servers, err := f.chosenServers(chosen, runs)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range servers {
		if s.Long {
			t.Errorf("%s takes long to install, and is part of the short comparison", s.Name)
		}
	}
	// What is guarded has to be measured, but for servers that take long to install.
	for _, bar := range report.Bars {
		for _, name := range bar.Workloads {
			short := false
			for _, w := range chosen {
				short = short || w.Name == name
			}
			if bar.Guard > 0 && !short {
				t.Errorf("%s is guarded, and %s is no part of the short comparison", bar.What, name)
			}
		}
	}
}
