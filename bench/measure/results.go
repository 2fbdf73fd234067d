package measure

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/sluicehttp/sluice/bench/load"
)

// Results are the raw data of a comparison: what report makes tables and plots of, now or later.
type Results struct {
	Machine  Machine       `json:"machine"`
	Duration time.Duration `json:"duration_ns"`
	WarmUp   time.Duration `json:"warm_up_ns"`
	Profiled bool          `json:"profiled,omitempty"`

	Servers   []ServerInfo `json:"servers"`
	Workloads []Workload   `json:"workloads"`

	Starts     []Start     `json:"starts,omitempty"`
	Idle       []Idle      `json:"idle,omitempty"`
	Neighbours []Neighbour `json:"neighbours,omitempty"`

	// Failed is what should have been measured besides workloads and was not, with the reasons.
	Failed []string `json:"failed,omitempty"`
}

// ServerInfo is what is known of a server.
type ServerInfo struct {
	Name    string `json:"name"`
	About   string `json:"about"`
	Version string `json:"version,omitempty"`
	// Missing is the reason why the server could not be had.
	Missing string `json:"missing,omitempty"`
}

// Workload is what came of a workload.
type Workload struct {
	Name     string   `json:"name"`
	About    string   `json:"about"`
	Against  []string `json:"against"`
	Bytes    int64    `json:"bytes"` // of bodies, for each request
	Large    bool     `json:"large,omitempty"`
	Pipeline int      `json:"pipeline,omitempty"`
	// Rate is that at which latencies were measured, in requests a second; 0: they were not.
	Rate float64 `json:"rate,omitempty"`
	// Servers are those that were measured, with as many rounds each, which belong together.
	Servers []Measured `json:"servers"`
	// Lacks are the servers that were not, with the reason.
	Lacks []Lack `json:"lacks,omitempty"`
}

// Measured is what a server did.
type Measured struct {
	Server string `json:"server"`
	Rounds []Turn `json:"rounds"`
	// Paced are the latencies at the workload's rate, of rounds of their own.
	Paced []load.Paced `json:"paced,omitempty"`
}

// Lack says why a server has no figures.
type Lack struct {
	Server string `json:"server"`
	Reason string `json:"reason"`
	// Failed says that it should have some: it did not start, or did not answer rightly.
	Failed bool `json:"failed,omitempty"`
}

// Turn is what a server did in one round.
type Turn struct {
	load.Done
	Used
	// Peak is the most memory that was resident, in bytes, all processes together; 0: unknown.
	Peak int64 `json:"peak_bytes,omitempty"`
}

// PerCPUSecond is how many requests one second of the server's processor time is enough for.
func (t Turn) PerCPUSecond() float64 { return float64(t.Requests) / t.CPU.All().Seconds() }

// PerSecond is how many requests were answered in a second.
func (t Turn) PerSecond() float64 { return float64(t.Requests) / t.Took.Seconds() }

// Find gives what a server did.
func (w *Workload) Find(server string) *Measured {
	for i := range w.Servers {
		if w.Servers[i].Server == server {
			return &w.Servers[i]
		}
	}
	return nil
}

// FindWorkload gives a workload.
func (r *Results) FindWorkload(name string) *Workload {
	for i := range r.Workloads {
		if r.Workloads[i].Name == name {
			return &r.Workloads[i]
		}
	}
	return nil
}

// Yields are the requests per CPU second of each round.
func (m *Measured) Yields() []float64 { return Each(m.Rounds, Turn.PerCPUSecond) }

// Disturbed is the part of the processors' time that others took in the server's turns, all together: one turn is too short to tell.
func (m *Measured) Disturbed() float64 {
	sum := 0.0
	for _, turn := range m.Rounds {
		sum += turn.Others + turn.Stolen
	}
	return sum / float64(max(len(m.Rounds), 1))
}

// Ratios compare two servers' requests per CPU second round by round: what slows a whole round down does not touch them.
func Ratios(of, to *Measured) []float64 {
	ratios := make([]float64, min(len(of.Rounds), len(to.Rounds)))
	for i := range ratios {
		ratios[i] = of.Rounds[i].PerCPUSecond() / to.Rounds[i].PerCPUSecond()
	}
	return ratios
}

// Failures are the servers that should have figures and have none.
func (r *Results) Failures() []string {
	failures := slices.Clone(r.Failed)
	for _, w := range r.Workloads {
		for _, lack := range w.Lacks {
			if lack.Failed {
				failures = append(failures, fmt.Sprintf("%s, %s: %s", w.Name, lack.Server, lack.Reason))
			}
		}
	}
	return failures
}

// Read takes results from a file.
func Read(path string) (*Results, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &Results{}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("%s holds no results of these benchmarks: %w", path, err)
	}
	if r.Machine.Time.IsZero() {
		return nil, fmt.Errorf("%s holds no results of these benchmarks: it names no machine", path)
	}
	return r, nil
}

// WriteJSON keeps something in a file.
func WriteJSON(path string, data any) error {
	text, err := json.MarshalIndent(data, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
