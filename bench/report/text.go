package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// TextTable is aligned text: the first column to the left, the others to the right unless it is told otherwise.
type TextTable struct {
	w    io.Writer
	rows [][]string
	left map[int]bool
}

// NewTable makes a table with its first row.
func NewTable(w io.Writer, head ...string) *TextTable {
	return &TextTable{w, [][]string{head}, map[int]bool{0: true}}
}

// Row adds a row, of as many cells as the first one.
func (t *TextTable) Row(cells ...string) { t.rows = append(t.rows, cells) }

// End writes the table.
func (t *TextTable) End() {
	widths := make([]int, len(t.rows[0]))
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range t.rows {
		var line strings.Builder
		for i, cell := range row {
			room := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if t.left[i] {
				room, cell = cell, room
			}
			line.WriteString(room + cell + "  ")
		}
		fmt.Fprintln(t.w, strings.TrimRight(line.String(), " "))
	}
}

// text prints a section.
func (s *section) text(w io.Writer) {
	spread := make([]bool, len(s.head)) // columns that are followed by one with spreads
	for _, row := range s.rows {
		for i, c := range row {
			spread[i] = spread[i] || c.spread != ""
		}
	}
	var head []string
	left := map[int]bool{}
	for i, name := range s.head {
		left[len(head)] = s.words(i)
		if head = append(head, name); spread[i] {
			head = append(head, "")
		}
	}
	t := NewTable(w, head...)
	t.left = left
	for _, row := range s.rows {
		var cells []string
		for i, c := range row {
			if cells = append(cells, c.value); spread[i] {
				cells = append(cells, c.spread)
			}
		}
		t.Row(cells...)
	}
	t.End()
	for _, note := range s.notes {
		fmt.Fprintln(w, note)
	}
}
