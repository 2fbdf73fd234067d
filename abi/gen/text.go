package main

import (
	"fmt"
	"strings"
)

// textWidth is how wide generated comments are.
const textWidth = 120

// text collects the lines of an output.
type text struct{ strings.Builder }

// f appends one line.
func (t *text) f(format string, args ...any) {
	fmt.Fprintf(t, format, args...)
	t.WriteByte('\n')
}

// comment appends documentation as lines that begin with mark.
func (t *text) comment(mark string, docs ...string) {
	tabs := strings.Count(mark, "\t")
	for _, line := range wrap(docs, textWidth-len(mark)-1-3*tabs) {
		t.WriteString(strings.TrimRight(mark+" "+line, " ") + "\n")
	}
}

// wrap joins lines to paragraphs, which blank lines separate, and breaks them again at a width. A line that begins with
// "- " begins an item of a list, which is indented.
func wrap(lines []string, width int) []string {
	var out, words []string
	first, rest := "", "" // what the paragraph's first line and its other lines begin with
	flush := func() {
		out = append(out, breakLines(words, first, rest, width)...)
		words, first, rest = nil, "", ""
	}
	for _, line := range lines {
		item, isItem := strings.CutPrefix(line, "- ")
		switch {
		case line == "":
			flush()
			out = append(out, "")
			continue
		case isItem:
			flush()
			first, rest, line = "  - ", "    ", item
		}
		words = append(words, strings.Fields(line)...)
	}
	flush()
	return out
}

// breakLines sets words in lines of a width; a word that is wider has a line to itself.
func breakLines(words []string, first, rest string, width int) []string {
	var lines []string
	line, isEmpty := first, true
	for _, word := range words {
		if !isEmpty && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line, isEmpty = rest, true
		}
		if !isEmpty {
			line += " "
		}
		line += word
		isEmpty = false
	}
	if !isEmpty {
		lines = append(lines, line)
	}
	return lines
}

// pascal turns no_session into NoSession, the style of Rust and JavaScript for types.
func pascal(name string) string {
	var b strings.Builder
	for _, word := range strings.Split(name, "_") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }

// asIs is the style of languages that write no_session as it is.
func asIs(name string) string { return name }

// shout turns no_session into NO_SESSION.
func shout(name string) string { return strings.ToUpper(name) }
