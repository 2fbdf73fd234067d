// Package corpus reads the cases of guest/http1/testdata/corpus and plays them on a connection of the core. The README
// beside the cases says what they look like.
//
//	corpus.go    cases, and the files that hold them
//	notation.go  bytes as text
//	settings.go  how a case is played
//	play.go      a host that gives bytes to a connection and answers, or asks
//	trace.go     what it heard, and as text
//	diff.go      two traces side by side
//
// The package knows the core by its records alone, so tests inside package http1 can use it too.
package corpus

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Case is one case: an input and what is heard of it.
type Case struct {
	// File and Line say where its heading is.
	File string
	Line int
	// Title is the heading.
	Title string
	// RFC and Policy are what rules it: sections, and rows of the table of decisions.
	RFC, Policy []string
	Input       []byte
	Settings    Settings
	// Trace is the text of the trace that the file holds.
	Trace string

	// traceStart and traceEnd are the lines of the file between the fences of the trace, counted from 0.
	traceStart, traceEnd int
}

// Name is the case's place and title, as the name of a test.
func (c *Case) Name() string { return fmt.Sprintf("%s:%d %s", c.File, c.Line, c.Title) }

// file is a Markdown file that holds cases.
type file struct {
	path  string
	lines []string
	cases []*Case
}

// Load reads every case below a folder.
func Load(folder string) ([]*Case, error) {
	files, err := loadFiles(folder)
	var cases []*Case
	for _, f := range files {
		cases = append(cases, f.cases...)
	}
	return cases, err
}

// Update gives every case below a folder the trace that record makes of it.
func Update(folder string, record func(*Case) (string, error)) error {
	files, err := loadFiles(folder)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := f.update(record); err != nil {
			return err
		}
	}
	return nil
}

// loadFiles reads the files that hold cases: all but the README.
func loadFiles(folder string) (files []*file, err error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.md"))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		if filepath.Base(path) == "README.md" {
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		f := &file{path: path, lines: strings.Split(string(content), "\n")}
		if err := f.parse(); err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s holds no cases", folder)
	}
	return files, nil
}

// parse finds the cases. Each begins with a heading of the second level; what stands before the first is an introduction.
func (f *file) parse() error {
	var c *Case
	for i := 0; i < len(f.lines); i++ {
		line := f.lines[i]
		var err error
		switch {
		case strings.HasPrefix(line, "## "):
			if err = c.complete(); err == nil {
				c = &Case{File: filepath.Base(f.path), Line: i + 1, Title: line[len("## "):]}
				f.cases = append(f.cases, c)
			}
		case c != nil && strings.HasPrefix(line, "*") && strings.HasSuffix(line, ".*"):
			err = c.setRules(line[1 : len(line)-len(".*")])
		case strings.HasPrefix(line, "```"):
			i, err = f.block(c, i)
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", f.path, min(i+1, len(f.lines)), err)
		}
	}
	if err := c.complete(); err != nil {
		return fmt.Errorf("%s:%d: %w", f.path, len(f.lines), err)
	}
	return nil
}

// complete says what is missing of a case.
func (c *Case) complete() error {
	switch {
	case c == nil:
	case len(c.RFC)+len(c.Policy) == 0:
		return fmt.Errorf("%q names no rule", c.Title)
	case c.Input == nil:
		return fmt.Errorf("%q has no input", c.Title)
	case c.traceStart == 0:
		return fmt.Errorf("%q has no trace", c.Title)
	}
	return nil
}

// setRules reads the line that names the rules: "RFC 9112 section 7.1; policy: chunk size".
func (c *Case) setRules(line string) error {
	for _, rule := range strings.Split(line, "; ") {
		if row, ok := strings.CutPrefix(rule, "policy: "); ok {
			c.Policy = append(c.Policy, row)
			continue
		}
		if !section.MatchString(rule) {
			return fmt.Errorf("%q is neither a section nor a row of the policy", rule)
		}
		c.RFC = append(c.RFC, rule)
	}
	return nil
}

var section = regexp.MustCompile(`^RFC \d+ section \d+(\.\d+)*$`)

// block reads a fenced block that begins at a line, and gives back the line of its end.
func (f *file) block(c *Case, start int) (end int, err error) {
	info := strings.Fields(f.lines[start][len("```"):])
	length := slices.Index(f.lines[start+1:], "```")
	if c == nil || len(info) == 0 || length < 0 {
		return start, fmt.Errorf("a block outside of a case, of no kind or without end")
	}
	end = start + 1 + length
	content := f.lines[start+1 : end]
	switch {
	case info[0] == "http" && c.Input == nil:
		if c.Settings, err = parseSettings(info[1:]); err != nil {
			return start, err
		}
		c.Input, err = decodeLines(content)
		return end, err
	case info[0] == "trace" && c.traceStart == 0:
		c.Trace = strings.Join(content, "\n")
		c.traceStart, c.traceEnd = start+1, end
		return end, nil
	}
	return start, fmt.Errorf("a case has one block of http and one of trace")
}

// update writes the file anew when a trace has changed.
func (f *file) update(record func(*Case) (string, error)) error {
	var lines []string
	done, changed := 0, false
	for _, c := range f.cases {
		trace, err := record(c)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Name(), err)
		}
		changed = changed || trace != c.Trace
		lines = append(append(lines, f.lines[done:c.traceStart]...), trace)
		done = c.traceEnd
	}
	if !changed {
		return nil
	}
	lines = append(lines, f.lines[done:]...)
	return os.WriteFile(f.path, []byte(strings.Join(lines, "\n")), 0o644)
}

// Decisions reads the names of the rows from the tables of decisions in a file.
func Decisions(file string) (rows []string, err error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	inTable := false
	for line := range strings.Lines(string(content)) {
		cells := strings.Split(line, "|")
		if len(cells) < 2 {
			inTable = false
			continue
		}
		switch name := strings.TrimSpace(cells[1]); {
		case name == "decision":
			inTable = true
		case inTable && !strings.HasPrefix(name, "--"):
			rows = append(rows, name)
		}
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s holds no table of decisions", file)
	}
	return rows, nil
}
