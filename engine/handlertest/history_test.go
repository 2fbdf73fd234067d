package handlertest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine"
)

// What a handler that does too much does is not kept for ever, and events that were not kept are not compared.
func TestHistoryIsBounded(t *testing.T) {
	r := &recorder{}
	r.observe(engine.Observation{Session: 1, Step: engine.StepBegan, Subscriptions: abi.SubscriptionsDataReady})
	for range mostSteps + 9 {
		r.observe(engine.Observation{Session: 1, Step: engine.StepHeard, Event: abi.EventDataReady, Bytes: 1})
	}
	r.observe(engine.Observation{Session: 2, Step: engine.StepBegan})
	requests := r.take()
	if len(requests) != 1 || len(requests[0].heard) != mostSteps-1 || requests[0].left != 10 {
		t.Fatalf("got %d requests; of the first %d events are kept and %d left", len(requests), len(requests[0].heard), requests[0].left)
	}
	want := []string{"DATA_READY 1 byte", fmt.Sprintf("(and the same %d times more)", mostSteps-2), "(and 10 steps that were not kept)"}
	if lines := heardLines(requests); !slices.Equal(lines, want) {
		t.Errorf("got %q, want %q", lines, want)
	}
	suite, err := Parse("my.md", []byte("## a\n```peer\nabort\n```\n```events\n...\n```\n"))
	if err != nil {
		t.Fatal(err)
	}
	if f := suite.Cases[0].checkEvents(requests); f == nil || !strings.Contains(f.what, "more than can be compared") {
		t.Errorf("got %+v", f)
	}
}

// What is still heard of a session of an earlier case belongs to no later one.
func TestHistoryOfEarlierCases(t *testing.T) {
	r := &recorder{}
	r.observe(engine.Observation{Session: 1, Step: engine.StepBegan})
	if taken := r.take(); len(taken) != 1 {
		t.Fatalf("got %d requests, want 1", len(taken))
	}
	r.observe(engine.Observation{Session: 1, Step: engine.StepHeard, Event: abi.EventReady})
	r.observe(engine.Observation{Session: 2, Step: engine.StepBegan})
	if taken := r.take(); len(taken) != 1 || len(taken[0].heard) != 0 {
		t.Errorf("got %d requests, of the first %v", len(taken), taken[0].heard)
	}
}

// Of a long history the begin and the end are shown.
func TestHistoryIsShortened(t *testing.T) {
	h := &history{}
	for i := range 100 {
		h.add(engine.Observation{Step: engine.StepHeard, Event: abi.EventDataReady, Bytes: i})
	}
	lines := heardLines([]*history{h})
	if len(lines) != mostHeard+1 || lines[mostHeard/2] != fmt.Sprintf("... and %d lines more, until", 100-mostHeard) ||
		lines[mostHeard/2-1] != "DATA_READY 11 bytes" || lines[mostHeard/2+1] != "DATA_READY 88 bytes" || lines[mostHeard] != "DATA_READY 99 bytes" {
		t.Errorf("got %q", lines)
	}
}

// Lists with '...' in them, against lists that fit or do not.
func TestAlign(t *testing.T) {
	for _, test := range []struct {
		due, came string // letters; * is any number of any
		want      bool
	}{
		{"", "", true}, {"", "a", false}, {"a", "", false}, {"ab", "ab", true}, {"ab", "ba", false}, {"a", "ab", false},
		{"*", "", true}, {"*", "abc", true}, {"*c", "abc", true}, {"*c", "abcd", false}, {"a*", "a", true}, {"a*", "ba", false},
		{"a*c", "abbc", true}, {"a*bc", "abbc", true}, {"*ab*ab", "ababab", true}, {"*ab*ab", "ab", false}, {"**a", "ba", true},
		{"*a*b*", "xbxa", false}, {"*aab", "aaab", true},
	} {
		got := align(len(test.due), len(test.came), func(i int) bool { return test.due[i] == '*' }, func(i, j int) int {
			if test.due[i] == test.came[j] {
				return 1
			}
			return 0
		}, func(int, int) {})
		if got != test.want {
			t.Errorf("%q and %q: got %v, want %v", test.due, test.came, got, test.want)
		}
	}
}
