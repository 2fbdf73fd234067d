package measure

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/bench/load"
	"github.com/sluicehttp/sluice/bench/rivals"
	"github.com/sluicehttp/sluice/bench/workloads"
)

// TestRounds begins each round with another server, and gives one that has failed no more turns.
func TestRounds(t *testing.T) {
	c := &comparison{Options: &Options{Tell: t.Logf}}
	var in []*entrant
	for _, name := range []string{"a", "b", "c"} {
		in = append(in, &entrant{server: &rivals.Server{Name: name}, workload: &workloads.Workload{Name: "w"}})
	}
	var turns []string
	c.rounds(t.Context(), in, 3, "", func(_ context.Context, e *entrant) error {
		turns = append(turns, e.server.Name)
		if e.server.Name == "b" && len(turns) > 3 {
			return errors.New("broken")
		}
		return nil
	})
	if want := []string{"a", "b", "c", "b", "c", "a", "c", "a"}; !slices.Equal(turns, want) {
		t.Errorf("%v, want %v", turns, want)
	}
	var w Workload
	w.take(in)
	if len(w.Servers) != 2 || len(w.Lacks) != 1 || w.Lacks[0].Reason != "broken" || !w.Lacks[0].Failed {
		t.Errorf("%+v", w)
	}
	if failures := (&Results{Workloads: []Workload{w}}).Failures(); len(failures) != 1 {
		t.Errorf("%q", failures)
	}
}

// TestEntrants leaves nobody out without a reason.
func TestEntrants(t *testing.T) {
	c := &comparison{missing: map[string]string{"gone": "not installed"}, Options: &Options{Servers: []rivals.Server{
		{Name: "there"}, {Name: "gone"}, {Name: "variant", Variant: true},
		{Name: "lacking", Lacks: map[workloads.Endpoint]string{workloads.Echo: "it cannot"}},
	}}}
	var result Workload
	in := c.entrants(&workloads.Workload{Endpoint: workloads.Echo}, &result)
	if len(in) != 1 || in[0].server.Name != "there" {
		t.Errorf("%v take part", in)
	}
	if want := []Lack{{Server: "gone", Reason: "not installed"}, {Server: "lacking", Reason: "it cannot"}}; !slices.Equal(result.Lacks, want) {
		t.Errorf("%v, want %v", result.Lacks, want)
	}
	if in := c.entrants(&workloads.Workload{Servers: []string{"variant"}}, &result); len(in) != 1 || in[0].server.Name != "variant" {
		t.Errorf("%v take part in a workload for a variant", in)
	}
}

func TestCommonRate(t *testing.T) {
	did := func(requests int) *entrant {
		return &entrant{Measured: Measured{Rounds: []Turn{{Done: load.Done{Requests: requests, Took: time.Second}}}}}
	}
	failed := did(2)
	failed.failed = errors.New("broken")
	for _, test := range []struct {
		in   []*entrant
		want float64
	}{
		{nil, 0},
		{[]*entrant{failed}, 0},
		{[]*entrant{failed, did(50_000), did(24_690)}, 12_000},
		{[]*entrant{did(7)}, 3.5},
	} {
		if got := commonRate(test.in); got != test.want {
			t.Errorf("%v, want %v", got, test.want)
		}
	}
}
