package handlertest

import (
	"bytes"
	"fmt"
	"strings"
)

// diff shows what was due beside what came: lines that are the same stand by themselves, what only was due has "-" in front,
// what only came "+". The first difference within a line has a mark below it.
type diff struct {
	text   []string
	differ bool
}

func (d *diff) same(line string) { d.text = append(d.text, "    "+line) }

// remark adds a line about the difference above it.
func (d *diff) remark(line string) { d.text = append(d.text, "    ("+line+")") }

// compare adds what came if it fits, and otherwise both.
func (d *diff) compare(fits bool, due, came string) {
	if fits {
		d.same(came)
		return
	}
	d.differs(due, came)
}

// differs adds a line that was due, and one that came instead; one of them may be empty.
func (d *diff) differs(due, came string) {
	if due != "" {
		d.text = append(d.text, "  - "+due)
	}
	if came != "" {
		d.text = append(d.text, "  + "+came)
	}
	if at := agree(due, came); at > 0 && !d.differ {
		d.text = append(d.text, "    "+strings.Repeat(" ", at)+"^")
	}
	d.differ = true
}

// lacks adds a line that was due, and says what there is in its place, which is nothing like it.
func (d *diff) lacks(due, instead string) {
	d.text = append(d.text, "  - "+due, "  + "+instead)
	d.differ = true
}

// agree is how many characters two lines have in common in front of the first that differs.
func agree(due, came string) (at int) {
	a, b := []rune(due), []rune(came)
	for at < min(len(a), len(b)) && a[at] == b[at] {
		at++
	}
	return at
}

// bytes compares a body byte by byte.
func (d *diff) bytes(due, came []byte) {
	at := firstDifference(due, came)
	if at < 0 {
		if len(due) > 0 {
			d.same(excerpt(due, 0))
		}
		return
	}
	if len(due) == 0 || len(came) == 0 {
		d.lacks(orNone(excerpt(due, at)), orNone(excerpt(came, at)))
		return
	}
	d.differs(excerpt(due, at), excerpt(came, at))
	switch {
	case at == len(came):
		d.remark(fmt.Sprintf("%d bytes came, and then nothing; %d were due", len(came), len(due)))
	case at == len(due):
		d.remark(fmt.Sprintf("%d bytes came; %d were due", len(came), len(due)))
	default:
		d.remark(fmt.Sprintf("byte %d is %s instead of %s; %d bytes came, %d were due", at, encode(came[at:at+1]), encode(due[at:at+1]),
			len(came), len(due)))
	}
}

func orNone(text string) string {
	if text == "" {
		return "(no body)"
	}
	return text
}

// firstDifference is where two bodies begin to differ; -1 when they do not.
func firstDifference(a, b []byte) int {
	if bytes.Equal(a, b) {
		return -1
	}
	at := 0
	for at < min(len(a), len(b)) && a[at] == b[at] {
		at++
	}
	return at
}

// Excerpts of bodies have so many bytes in front of what they show, and behind it.
const before, after = 60, 60

// excerpt shows what is around a byte of a body.
func excerpt(b []byte, at int) string {
	from, to := max(0, at-before), min(len(b), at+after)
	if to-from == len(b) || len(b) <= before+after {
		return encode(b)
	}
	text := encode(b[from:to])
	if from > 0 {
		text = fmt.Sprintf("[byte %d] ...%s", from, text)
	}
	if to < len(b) {
		text += fmt.Sprintf("... [of %d bytes]", len(b))
	}
	return text
}

// mostLines is how many lines of a text are shown where it differs, and as many in front of that.
const mostLines = 8

// lines compares two texts line by line: what they begin with and what they end with is the same, and what is between differs.
func (d *diff) lines(due, came []string) {
	start := 0
	for start < min(len(due), len(came)) && due[start] == came[start] {
		start++
	}
	end := 0
	for end < min(len(due), len(came))-start && due[len(due)-1-end] == came[len(came)-1-end] {
		end++
	}
	for _, line := range due[max(0, start-mostLines):start] {
		d.same(line)
	}
	due, came = due[start:len(due)-end], came[start:len(came)-end]
	for i := range min(max(len(due), len(came)), mostLines) {
		d.differs(at(due, i), at(came, i))
	}
	if left := max(len(due), len(came)) - mostLines; left > 0 {
		d.remark(fmt.Sprintf("%d more lines differ", left))
	}
}

// at is a line, and empty behind the last.
func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}
