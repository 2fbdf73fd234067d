package corpus

import (
	"fmt"
	"strings"
)

// Diff shows two traces side by side: what only want has behind "-", what only got has behind "+".
func Diff(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	common := commonLines(a, b)
	var out strings.Builder
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			fmt.Fprintf(&out, "    %s\n", a[i])
			i, j = i+1, j+1
		case i < len(a) && (j == len(b) || common[i+1][j] >= common[i][j+1]):
			fmt.Fprintf(&out, "  - %s\n", a[i])
			i++
		default:
			fmt.Fprintf(&out, "  + %s\n", b[j])
			j++
		}
	}
	return out.String() + nearMiss(a[len(a)-1], b[len(b)-1])
}

// commonLines is, for every two ends of a and b, how many lines they have in common.
func commonLines(a, b []string) [][]int {
	common := make([][]int, len(a)+1)
	for i := len(a); i >= 0; i-- {
		common[i] = make([]int, len(b)+1)
		for j := len(b) - 1; j >= 0 && i < len(a); j-- {
			common[i][j] = max(common[i+1][j], common[i][j+1])
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	return common
}

// nearMiss says in words how two ends of traces differ that are nearly the same.
func nearMiss(want, got string) string {
	wantAt, wantEnd, _ := strings.Cut(want, " ")
	gotAt, gotEnd, _ := strings.Cut(got, " ")
	wantEnd, gotEnd = strings.TrimSpace(wantEnd), strings.TrimSpace(gotEnd)
	switch {
	case want == got:
		return ""
	case wantEnd == gotEnd:
		return fmt.Sprintf("near miss: %s, but at %s instead of %s\n", gotEnd, gotAt, wantAt)
	case wantAt == gotAt:
		return fmt.Sprintf("near miss: at %s, but %s instead of %s\n", gotAt, gotEnd, wantEnd)
	}
	return ""
}
