package measure

import "slices"

// Summary is what is shown of several values.
type Summary struct{ Median, Min, Max, Lower, Upper float64 }

// Spread is how far the middle half of the values lies apart, as a part of the median.
func (s Summary) Spread() float64 { return (s.Upper - s.Lower) / s.Median }

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
