package main

import "strings"

// rangeOf is the part of a file that a field Range asks for, and the status of the answer: 206, or 416 for a part that begins
// behind the end. Several ranges, and what cannot be understood, ask for all of it (RFC 9110 section 14.2).
func rangeOf(field string, size int) (first, end, status int) {
	unit, spec, _ := strings.Cut(field, "=")
	from, to, ok := strings.Cut(strings.TrimSpace(spec), "-")
	if !ok || !strings.EqualFold(unit, "bytes") {
		return 0, size, 200
	}
	if from == "" {
		return lastBytes(to, size)
	}
	first, firstOK := number(from)
	last, lastOK := size-1, true
	if to != "" {
		last, lastOK = number(to)
	}
	switch {
	case !firstOK || !lastOK || to != "" && last < first:
		return 0, size, 200
	case first >= size:
		return 0, 0, 416
	}
	return first, min(last, size-1) + 1, 206
}

// lastBytes is the range of so many bytes at the end.
func lastBytes(count string, size int) (first, end, status int) {
	n, ok := number(count)
	switch {
	case !ok:
		return 0, size, 200
	case n == 0 || size == 0:
		return 0, 0, 416
	}
	return max(size-n, 0), size, 206
}

// number reads digits. One that is larger than any file counts as one more than the largest.
func number(digits string) (n int, ok bool) {
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = int(min(10*int64(n)+int64(c-'0'), maxSize+1))
	}
	return n, digits != ""
}
