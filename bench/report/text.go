package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// TextTable is aligned text: the first column to the left, the others to the right.
type TextTable struct {
	w    io.Writer
	rows [][]string
}

// NewTable makes a table with its first row.
func NewTable(w io.Writer, head ...string) *TextTable { return &TextTable{w, [][]string{head}} }

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
		line := row[0] + strings.Repeat(" ", widths[0]-utf8.RuneCountInString(row[0]))
		for i, cell := range row[1:] {
			line += "  " + strings.Repeat(" ", widths[i+1]-utf8.RuneCountInString(cell)) + cell
		}
		fmt.Fprintln(t.w, strings.TrimRight(line, " "))
	}
}
