package main

import (
	"testing"
	"time"
)

func TestSummarize(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   summary
	}{
		{[]float64{7}, summary{median: 7, min: 7, max: 7, lower: 7, upper: 7}},
		{[]float64{3, 1, 2}, summary{median: 2, min: 1, max: 3, lower: 1, upper: 3}},
		{[]float64{4, 1, 3, 2}, summary{median: 2.5, min: 1, max: 4, lower: 1, upper: 3}},
	} {
		if got := summarize(test.values); got != test.want {
			t.Errorf("summarize(%v) = %v, want %v", test.values, got, test.want)
		}
	}
	values := []float64{2, 1}
	if summarize(values); values[0] != 2 {
		t.Error("summarize sorted its caller's values")
	}
	if got := (summary{median: 10, lower: 9, upper: 12}).spread(); got != 0.3 {
		t.Errorf("spread is %v, want 0.3", got)
	}
}

func TestPercentile(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i + 1)
	}
	for _, test := range []struct {
		sorted  []time.Duration
		percent int
		want    time.Duration
	}{
		{nil, 50, 0},
		{hundred[:1], 50, 1},
		{hundred[:1], 99, 1},
		{hundred[:2], 50, 1},
		{hundred[:3], 50, 2},
		{hundred[:10], 99, 10},
		{hundred, 0, 1},
		{hundred, 50, 50},
		{hundred, 99, 99},
		{hundred, 100, 100},
	} {
		if got := percentile(test.sorted, test.percent); got != test.want {
			t.Errorf("percentile %d of %d values is %d, want %d", test.percent, len(test.sorted), got, test.want)
		}
	}
}
