package core_test

import (
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const expectationsFile = "testdata/expectations.txt"

// expectations are the differences from other people's corpora that are wanted. The head of the file says how it is written.
type expectations struct {
	lines []*expectation
	// unexplained are the differences that have no line, in the order in which they were found.
	unexplained []string
}

// expectation is one pattern of a line.
type expectation struct {
	corpus, verdict, pattern string
	// count is how often the pattern fits, used how often it did.
	count, used int
}

// loadExpectations reads the file. Its reasons are for people.
func loadExpectations(t *testing.T) *expectations {
	t.Helper()
	content, err := os.ReadFile(expectationsFile)
	if err != nil {
		t.Fatal(err)
	}
	e := &expectations{}
	verdict, reason := "", ""
	for i, line := range strings.Split(string(content), "\n") {
		switch words := strings.Fields(line); {
		case line == "":
			verdict, reason = "", ""
		case strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "= "):
			verdict = line[len("= "):]
		case strings.HasPrefix(line, "  "):
			if verdict == "" || !e.add(words, verdict) {
				t.Fatalf("%s:%d: %q is no list of cases behind a verdict", expectationsFile, i+1, line)
			}
			if !strings.Contains(reason, "RFC") && !strings.Contains(reason, "decision") {
				t.Fatalf("%s:%d: the reason %q names neither a section nor a decision", expectationsFile, i+1, reason)
			}
		default:
			reason += line
		}
	}
	return e
}

// add takes a line: a corpus, and ids. A number in front of one says how often it fits; a pattern needs it.
func (e *expectations) add(words []string, verdict string) bool {
	count := 0
	for _, word := range words[1:] {
		if n, err := strconv.Atoi(word); err == nil {
			count = n
			continue
		}
		if strings.Contains(word, "*") && count == 0 {
			return false
		}
		e.lines = append(e.lines, &expectation{corpus: words[0], verdict: verdict, pattern: word, count: max(count, 1)})
		count = 0
	}
	return len(words) > 1 && count == 0
}

// explain looks for the line of a difference.
func (e *expectations) explain(t *testing.T, corpus, id, verdict string) {
	t.Helper()
	for _, line := range e.lines {
		fits, err := path.Match(strings.ReplaceAll(line.pattern, "/", "|"), strings.ReplaceAll(id, "/", "|"))
		if err != nil {
			t.Fatalf("%s: %q: %v", expectationsFile, line.pattern, err)
		}
		if fits && line.corpus == corpus && line.verdict == verdict {
			line.used++
			return
		}
	}
	e.unexplained = append(e.unexplained, "= "+verdict+"\n  "+corpus+" "+id)
}

// complain fails for differences without a line, and for lines without a difference.
func (e *expectations) complain(t *testing.T) {
	t.Helper()
	slices.Sort(e.unexplained)
	for _, difference := range e.unexplained {
		t.Errorf("no reason in %s:\n%s", expectationsFile, difference)
	}
	for _, line := range e.lines {
		if line.used != line.count {
			t.Errorf("%s: %s %s: %q is so %d times, not %d",
				expectationsFile, line.corpus, line.pattern, line.verdict, line.used, line.count)
		}
	}
}
