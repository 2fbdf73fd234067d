package main

import (
	"slices"
	"time"
)

// summary is what is shown of several values.
type summary struct{ median, min, max, lower, upper float64 }

// spread is how far the middle half of the values lies apart, as a part of the median.
func (s summary) spread() float64 { return (s.upper - s.lower) / s.median }

// summarize needs at least one value.
func summarize(values []float64) summary {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	median := sorted[middle]
	if len(sorted)%2 == 0 {
		median = (sorted[middle-1] + sorted[middle]) / 2
	}
	return summary{
		median: median,
		min:    sorted[0],
		max:    sorted[len(sorted)-1],
		lower:  percentile(sorted, 25),
		upper:  percentile(sorted, 75),
	}
}

// percentile is the smallest of the sorted values that percent of them do not exceed; 0 if there are none.
func percentile[T float64 | time.Duration](sorted []T, percent int) T {
	if len(sorted) == 0 {
		return 0
	}
	rank := (len(sorted)*percent + 99) / 100
	return sorted[max(rank, 1)-1]
}

// each applies a function to all of something.
func each[T any](all []T, f func(int, T) float64) []float64 {
	values := make([]float64, len(all))
	for i, one := range all {
		values[i] = f(i, one)
	}
	return values
}
