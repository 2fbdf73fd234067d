package measure

import (
	"math"
	"testing"
)

func TestSummarize(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   Summary
	}{
		{[]float64{7}, Summary{Median: 7, Min: 7, Max: 7, Lower: 7, Upper: 7, Low: 7, High: 7, Count: 1}},
		{[]float64{3, 1, 2}, Summary{Median: 2, Min: 1, Max: 3, Lower: 1, Upper: 3, Low: 1, High: 3, Count: 3}},
		{[]float64{4, 1, 3, 2}, Summary{Median: 2.5, Min: 1, Max: 4, Lower: 1, Upper: 3, Low: 1, High: 4, Count: 4}},
	} {
		if got := Summarize(test.values); got != test.want {
			t.Errorf("Summarize(%v) = %v, want %v", test.values, got, test.want)
		}
	}
	values := []float64{2, 1}
	if Summarize(values); values[0] != 2 {
		t.Error("summarize sorted its caller's values")
	}
	if got := (Summary{Median: 10, Lower: 9, Upper: 12, Count: 25}).Doubt(); math.Abs(got-1.57*0.3/5) > 1e-9 {
		t.Errorf("the doubt is %v, want 0.0942", got)
	}
}

func TestPercentile(t *testing.T) {
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(i + 1)
	}
	for _, test := range []struct {
		sorted  []float64
		percent int
		want    float64
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
			t.Errorf("percentile %d of %d values is %v, want %v", test.percent, len(test.sorted), got, test.want)
		}
	}
}
