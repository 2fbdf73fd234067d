package measure

import (
	"math"
	"slices"
)

// Summary is what is shown of several values.
type Summary struct {
	Median, Min, Max float64
	// Lower and Upper bound the middle half, Low and High the middle nine tenths.
	Lower, Upper, Low, High float64
	// Count is how many values there are.
	Count int
}

// Doubt is how far the median may be from what more values would have it be, as a part of it: what McGill, Tukey and Larsen draw as
// the notch of a box, about twice the standard error ("Variations of Box Plots", The American Statistician 32, 1978).
func (s Summary) Doubt() float64 {
	return 1.57 * (s.Upper - s.Lower) / math.Sqrt(float64(s.Count)) / s.Median
}

// Summarize needs at least one value.
func Summarize(values []float64) Summary {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	median := sorted[middle]
	if len(sorted)%2 == 0 {
		median = (sorted[middle-1] + sorted[middle]) / 2
	}
	return Summary{
		Median: median,
		Min:    sorted[0],
		Max:    sorted[len(sorted)-1],
		Lower:  percentile(sorted, 25),
		Upper:  percentile(sorted, 75),
		Low:    percentile(sorted, 5),
		High:   percentile(sorted, 95),
		Count:  len(sorted),
	}
}

// percentile is the smallest of the sorted values that percent of them do not exceed; 0 if there are none.
func percentile(sorted []float64, percent int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	rank := (len(sorted)*percent + 99) / 100
	return sorted[max(rank, 1)-1]
}

// Each applies a function to all of something.
func Each[T any](all []T, f func(T) float64) []float64 {
	values := make([]float64, len(all))
	for i, one := range all {
		values[i] = f(one)
	}
	return values
}
