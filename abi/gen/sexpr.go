package main

import (
	"fmt"
	"strings"
)

// node is one s-expression: an atom, or a list of nodes.
type node struct {
	line    int      // where it begins, counted from 1
	docs    []string // the ;;; lines directly in front of it, without the mark
	section string   // the last heading above it, see heading
	atom    string   // the text of an atom, without its quotes; empty for a list
	quoted  bool     // whether the atom stood in quotes
	list    []*node  // the elements of a list
}

func (n *node) isList() bool { return n.atom == "" && !n.quoted }

// head gives the first atom of a list: what kind of form it is.
func (n *node) head() string {
	if len(n.list) == 0 {
		return ""
	}
	return n.list[0].atom
}

// reader turns text into nodes.
type reader struct {
	path    string
	text    string
	at      int // offset of the next byte
	line    int
	docs    []string // ;;; lines read since the last node
	docLine int      // the line of the first of them
	section string
}

// readNodes reads a whole file.
func readNodes(path, text string) ([]*node, error) {
	r := &reader{path: path, text: text, line: 1}
	nodes, err := r.nodes()
	if err != nil {
		return nil, err
	}
	if r.at < len(r.text) {
		return nil, r.errorf(r.line, "a closing parenthesis too many; remove it")
	}
	return nodes, nil
}

// nodes reads up to the closing parenthesis of the list it is called in, or to the end of the text.
func (r *reader) nodes() ([]*node, error) {
	var nodes []*node
	for {
		r.skipBlanksAndComments()
		if r.at == len(r.text) || r.text[r.at] == ')' {
			if len(r.docs) > 0 {
				return nil, r.errorf(r.docLine, "a ;;; comment in front of nothing; move it, or begin it with ;;")
			}
			return nodes, nil
		}
		n, err := r.node()
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
}

func (r *reader) node() (*node, error) {
	n := &node{line: r.line, docs: r.docs, section: r.section}
	r.docs = nil
	var err error
	switch r.text[r.at] {
	case '(':
		n.list, err = r.list()
	case '"':
		n.quoted = true
		n.atom, err = r.quotedAtom()
	default:
		n.atom = r.atom()
	}
	return n, err
}

func (r *reader) list() ([]*node, error) {
	begin := r.line
	r.at++
	nodes, err := r.nodes()
	if err != nil {
		return nil, err
	}
	if r.at == len(r.text) {
		return nil, r.errorf(begin, "a parenthesis that is never closed; close it")
	}
	r.at++
	return nodes, nil
}

func (r *reader) quotedAtom() (string, error) {
	rest := r.text[r.at+1:]
	end := strings.IndexAny(rest, "\"\n")
	if end < 0 || rest[end] == '\n' {
		return "", r.errorf(r.line, "a quote that is never closed; close it on the same line")
	}
	r.at += end + 2
	return rest[:end], nil
}

func (r *reader) atom() string {
	rest := r.text[r.at:]
	end := strings.IndexAny(rest, " \t\r\n();\"")
	if end < 0 {
		end = len(rest)
	}
	r.at += end
	return rest[:end]
}

func (r *reader) skipBlanksAndComments() {
	for r.at < len(r.text) {
		switch c := r.text[r.at]; {
		case c == '\n':
			r.line++
			r.at++
		case c == ' ' || c == '\t' || c == '\r':
			r.at++
		case strings.HasPrefix(r.text[r.at:], ";;"):
			r.comment()
		default:
			return
		}
	}
}

// comment takes a comment up to the end of its line: ;;; documents the next node, ;; is for readers of the file. A
// heading is neither, however it is marked.
func (r *reader) comment() {
	text, _, _ := strings.Cut(r.text[r.at:], "\n")
	r.at += len(text)
	body, documents := strings.CutPrefix(text, ";;;")
	if title, ok := heading(strings.TrimLeft(text, ";")); ok {
		r.section = title
		return
	}
	if !documents {
		return
	}
	if len(r.docs) == 0 {
		r.docLine = r.line
	}
	r.docs = append(r.docs, strings.TrimSpace(body))
}

// heading gives the title of a comment that reads "===== title =====".
func heading(comment string) (title string, ok bool) {
	const rule = "====="
	comment = strings.TrimSpace(comment)
	if len(comment) < 2*len(rule) || !strings.HasPrefix(comment, rule) || !strings.HasSuffix(comment, rule) {
		return "", false
	}
	return strings.TrimSpace(strings.Trim(comment, "=")), true
}

func (r *reader) errorf(line int, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", r.path, line, fmt.Sprintf(format, args...))
}
