package report

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/bench/load"
	"github.com/sluicehttp/sluice/bench/measure"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden compares a report of made-up results with the files in testdata. `go test ./report -update` writes them anew: look
// at the difference, and at the plot.
func TestGolden(t *testing.T) {
	results := again(t, madeUp())
	var text bytes.Buffer
	Text(&text, results)
	golden(t, "report.txt", text.Bytes())
	dir := t.TempDir()
	if err := Write(dir, results); err != nil {
		t.Fatal(err)
	}
	golden(t, "benchmarks.md", read(t, filepath.Join(dir, "benchmarks.md")))
	for _, name := range []string{"hello-64.svg", "hello-64-latency.svg", "echo-100m.svg", "idle.svg"} {
		golden(t, name, read(t, filepath.Join(dir, "benchmarks", name)))
	}
	// A plot that nobody makes any more does not stay.
	stale := filepath.Join(dir, "benchmarks", "stale.svg")
	if err := os.WriteFile(stale, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Write(dir, results); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(stale); err == nil {
		t.Error("a plot of an earlier run is still there")
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := read(t, path); !bytes.Equal(got, want) {
		t.Errorf("%s is otherwise now; go test ./report -update writes it anew, and git diff shows how. It is\n%s", name, got)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// again writes results and reads them, as `bench report` does.
func again(t *testing.T, results *measure.Results) *measure.Results {
	t.Helper()
	path := filepath.Join(t.TempDir(), "results.json")
	if err := measure.WriteJSON(path, results); err != nil {
		t.Fatal(err)
	}
	results, err := measure.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// did are rounds in which each of 1,000 requests cost so many microseconds.
func did(server string, costs ...int) measure.Measured {
	m := measure.Measured{Server: server}
	for _, cost := range costs {
		m.Rounds = append(m.Rounds, measure.Turn{
			Done: load.Done{Requests: 1000, Took: time.Second / 10},
			Used: measure.Used{CPU: measure.CPU{User: time.Duration(cost) * time.Millisecond}, Others: 0.02},
			Peak: 20 << 20,
		})
	}
	return m
}

func paced(m measure.Measured, p99 ...int) measure.Measured {
	for _, one := range p99 {
		us := time.Duration(one) * time.Microsecond
		m.Paced = append(m.Paced, load.Paced{Rate: 5000, Requests: 5000, P50: us / 10, P99: us, P999: 2 * us, Max: 3 * us})
	}
	return m
}

func madeUp() *measure.Results {
	usual := []string{"net/http", "raw"}
	return &measure.Results{
		Machine: measure.Machine{Processors: 2, Processor: "A processor", Memory: 1 << 30, Kernel: "Linux 6.1", System: "Debian",
			Go: "go1.26", Arch: "amd64", Time: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)},
		Duration: time.Second, WarmUp: 100 * time.Millisecond,
		Servers: []measure.ServerInfo{
			{Name: "net/http", About: "Go's net/http", Version: "go1.26"},
			{Name: "hyper", About: "hyper", Missing: "it is not installed"},
			{Name: "sluice", About: "Sluice", Version: "abc1234"},
		},
		Workloads: []measure.Workload{
			{Name: "hello-64", About: "a short GET on 64 connections", Against: usual, Rate: 5000,
				Servers: []measure.Measured{
					paced(did("raw", 5, 5, 5, 6, 5), 100, 120, 110), paced(did("net/http", 20, 21, 20, 22, 20), 300, 310, 500),
					paced(did("sluice", 10, 12, 10, 11, 10), 200, 220, 210),
				},
				Lacks: []measure.Lack{{Server: "hyper", Reason: "it is not installed"}}},
			{Name: "hello-512", About: "a short GET on 512 connections", Against: usual,
				Servers: []measure.Measured{did("net/http", 25, 26, 25, 27, 25), did("sluice", 12, 13, 12, 20, 20)}},
			{Name: "echo-100m", About: "100 MiB there and back", Against: usual[:1], Large: true, Bytes: 100 << 20,
				Servers: []measure.Measured{did("net/http", 40_000, 41_000), did("sluice", 60_000, 61_000)}},
		},
		Starts: []measure.Start{{Server: "sluice-serve", What: "process, compiled before", Times: []time.Duration{50 * time.Millisecond}}},
		Idle:   []measure.Idle{{Server: "net/http", Connections: 1000, Before: 1 << 20, After: 21 << 20, Kept: 1000}},
		Neighbours: []measure.Neighbour{{Server: "sluice-spinning", Spinning: 4,
			Rounds: []load.Paced{{Rate: 500, Requests: 1000, P50: time.Millisecond, P99: 9 * time.Millisecond, P999: 11 * time.Millisecond}}}},
	}
}

// TestGuard fails on what is worse than it may be, and not on a single bad round.
func TestGuard(t *testing.T) {
	hello := func(costs ...int) *measure.Results {
		return &measure.Results{Workloads: []measure.Workload{
			{Name: "hello-64", Servers: []measure.Measured{did("net/http", 20, 20, 20), did("sluice", costs...)}},
		}}
	}
	tenants := func(cost int) *measure.Results {
		return &measure.Results{Workloads: []measure.Workload{
			{Name: "tenants-1", Servers: []measure.Measured{did("sluice-tenants-1", 10)}},
			{Name: "tenants-1000", Servers: []measure.Measured{did("sluice-tenants-1000", cost)}},
		}}
	}
	for _, test := range []struct {
		name    string
		results *measure.Results
		fails   string
	}{
		{"better", hello(10, 10, 10), ""},
		{"better but once", hello(10, 10, 99), ""},
		{"worse", hello(40, 40, 10), "hello-64"},
		{"little growth", tenants(12), ""},
		{"much growth", tenants(30), "tenants-1000"},
	} {
		found, err := Guard(test.results)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if failed := strings.Join(found.Workloads, " "); (test.fails == "") != (failed == "") || !strings.Contains(failed, test.fails) {
			t.Errorf("%s: %v", test.name, found)
		}
		if (found.Err() == nil) != (test.fails == "") {
			t.Errorf("%s: %v", test.name, found.Err())
		}
	}
	if _, err := Guard(&measure.Results{}); err == nil {
		t.Error("nothing was measured, and the guard held")
	}
}

// TestGuardsBelowBars looks for a guard that is stricter than its bar: it would fail on what is good.
func TestGuardsBelowBars(t *testing.T) {
	for _, b := range Bars {
		if b.Guard != 0 && !b.holds(b.bar(), b.Guard) {
			t.Errorf("%s: the bar %v does not hold its guard %v", b.What, b.bar(), b.Guard)
		}
	}
}

func TestTooNoisy(t *testing.T) {
	results := madeUp()
	if found := strings.Join(warnings(results), "\n"); strings.Contains(found, "too noisy") {
		t.Error(found)
	}
	for i := range results.Workloads[0].Servers {
		for j := range results.Workloads[0].Servers[i].Rounds {
			results.Workloads[0].Servers[i].Rounds[j].Stolen = 0.2
		}
	}
	if found := strings.Join(warnings(results), "\n"); !strings.Contains(found, "too noisy") {
		t.Errorf("a fifth of the time was stolen, and only this was said: %s", found)
	}
}

func TestReadRefuses(t *testing.T) {
	for name, text := range map[string]string{"other.json": `{"a":1}`, "list.json": `[]`, "none.json": ``} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := measure.Read(path); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
