package main

import (
	"testing"
	"time"
)

// rounds are slots in which each request cost so many microseconds.
func rounds(costs ...int) []slot {
	var slots []slot
	for _, cost := range costs {
		used := usage{User: time.Duration(cost) * time.Millisecond, Mallocs: 4000}
		slots = append(slots,
			slot{Requests: 1000, Took: time.Second, P50: time.Millisecond, P99: time.Second, Used: used})
	}
	return slots
}

func TestGuard(t *testing.T) {
	base := result{rival: rival{name: hellos.base}, slots: rounds(20, 20, 20)}
	sandboxed := func(costs ...int) result {
		return result{rival: rival{name: "sandboxed", guarded: true}, slots: rounds(costs...)}
	}
	for _, test := range []struct {
		name    string
		results []result
		fails   bool
	}{
		{"better", []result{base, sandboxed(10, 10, 10)}, false},
		{"better but once", []result{base, sandboxed(10, 10, 99)}, false},
		{"worse", []result{base, sandboxed(21, 21, 10)}, true},
		{"one worse", []result{base, sandboxed(10, 10, 10), sandboxed(21, 21, 21)}, true},
		{"worse but not guarded", []result{base, {rival: rival{name: "native"}, slots: rounds(30, 30, 30)}}, false},
	} {
		if err := guard(hellos.base, test.results); (err != nil) != test.fails {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestGuardable(t *testing.T) {
	base, sandboxed, native := rival{name: hellos.base}, rival{name: "sandboxed", guarded: true}, rival{name: "native"}
	if err := guardable(hellos.base, []rival{base, native, sandboxed}); err != nil {
		t.Error(err)
	}
	for _, chosen := range [][]rival{{base, native}, {native, sandboxed}} {
		if guardable(hellos.base, chosen) == nil {
			t.Errorf("%v can be guarded", chosen)
		}
	}
}
