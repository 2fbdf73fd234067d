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
	var out []string
	line, indent := "", ""
	flush := func() {
		if strings.TrimSpace(line) != "" {
			out = append(out, line)
		}
		line = ""
	}
	for _, words := range lines {
		item, isItem := strings.CutPrefix(words, "- ")
		switch {
		case words == "":
			flush()
			indent = ""
			out = append(out, "")
		case isItem:
			flush()
			line, indent, words = "  -", "    ", item
		}
		for _, word := range strings.Fields(words) {
			if line != "" && len(line)+1+len(word) > width {
				flush()
			}
			switch line {
			case "":
				line = indent + word
			default:
				line += " " + word
			}
		}
	}
	flush()
	return out
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
