package handlertest

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// How a block of a transcript becomes a message: sections of lines, with an empty line between head, body and trailers.

// part is which part of a message a block holds.
type part int

const (
	whole  part = iota
	begins      // the head, and maybe the first bytes of the body
	goesOn      // more of the body
	ends        // the rest of the body, maybe nothing, and maybe trailers
)

// isLater reports whether other parts of the message come in front of it.
func (p part) isLater() bool { return p == goesOn || p == ends }

// isOpen reports whether other parts of the message come behind it.
func (p part) isOpen() bool { return p == begins || p == goesOn }

var parts = map[string]part{"begins": begins, "goes-on": goesOn, "ends": ends}

// draft is a request that a case sends in several blocks.
type draft struct {
	open    bool
	chunked bool
}

// draftOf is the request that a connection of a case sends.
func (c *Case) draftOf(peer string) *draft {
	if c.drafts == nil {
		c.drafts = map[string]*draft{}
	}
	if c.drafts[peer] == nil {
		c.drafts[peer] = &draft{}
	}
	return c.drafts[peer]
}

// send is a step: the peer sends a request, or a part of one.
type send struct {
	line int
	// peer is the name of the connection.
	peer string
	// method is that of the request that the block begins; empty when it goes on with one.
	method string
	bytes  []byte
	// held is what the peer sends only when it is told 100 (Continue).
	held []byte
	// piece is how many bytes are written at a time; 0: as many as there are.
	piece int
}

// sendSettings are what may stand behind send, and does not stay with the step.
type sendSettings struct {
	part part
	// onContinue has the body wait for 100 (Continue).
	onContinue bool
	raw        bool
	// chunk is how large chunks are, in bytes; 0: as large as lines are.
	chunk int
}

// readSend reads a block of the kind send.
func (c *Case) readSend(line int, settings, content []string) error {
	s := &send{line: line}
	set, err := s.readSettings(settings)
	if err != nil {
		return err
	}
	d := c.draftOf(s.peer)
	if set.part.isLater() != d.open {
		return errors.New("a request that 'send begins' goes on with 'send goes-on' and 'send ends', and no other does")
	}
	d.open = set.part.isOpen()
	c.steps = append(c.steps, s)
	if set.raw {
		d.chunked = false
		return s.readRaw(content, set.part)
	}
	return s.readMessage(d, &set, split(content))
}

func (s *send) readSettings(settings []string) (set sendSettings, err error) {
	for _, setting := range settings {
		switch key, value, _ := strings.Cut(setting, "="); {
		case parts[setting] != whole:
			set.part = parts[setting]
		case strings.HasPrefix(setting, "@"):
			s.peer = setting
		case setting == "on-100":
			set.onContinue = true
		case setting == "raw":
			set.raw = true
		case key == "chunk":
			set.chunk, err = positive(value)
		case key == "piece":
			s.piece, err = positive(value)
		default:
			err = fmt.Errorf("send has no setting %q; it has begins, goes-on, ends, on-100, chunk=N, piece=N, raw and @NAME", setting)
		}
		if err != nil {
			return set, err
		}
	}
	return set, nil
}

// readMessage reads a request, or a part of one.
func (s *send) readMessage(d *draft, set *sendSettings, sections sections) (err error) {
	var head []byte
	if !set.part.isLater() {
		if head, err = s.readHead(d, sections[0], sections.at(1)); err != nil {
			return err
		}
		sections = sections[1:]
	}
	if len(sections) > 2 || len(sections.at(1)) > 0 && !d.chunked {
		return errTooManyLines
	}
	body, err := d.frame(sections.at(0), sections.at(1), set.chunk, !set.part.isOpen())
	if set.onContinue {
		s.bytes, s.held = head, body
	} else {
		s.bytes = append(head, body...)
	}
	return err
}

var errTooManyLines = errors.New(
	`too many empty lines: one ends the head, another the body of a chunked message; those of a body are written \n`)

// readRaw takes the lines as they are, each with CRLF at its end unless a backslash takes that away.
func (s *send) readRaw(lines []string, which part) error {
	if len(lines) > 0 && !which.isLater() {
		s.method, _, _ = strings.Cut(lines[0], " ")
	}
	for _, line := range lines {
		end, read := "\r\n", decodeLine
		if backslashes := len(line) - len(strings.TrimRight(line, `\`)); backslashes%2 == 1 {
			line, end, read = line[:len(line)-1], "", decode
		}
		decoded, err := read(line)
		if err != nil {
			return err
		}
		s.bytes = append(append(s.bytes, decoded...), end...)
	}
	return nil
}

// readHead writes a request's head. "Content-Length: *" becomes the length of the body.
func (s *send) readHead(d *draft, lines, body []string) (head []byte, err error) {
	if len(lines) == 0 {
		return nil, fmt.Errorf("a request without a start line, such as GET / HTTP/1.1")
	}
	s.method, _, _ = strings.Cut(lines[0], " ")
	d.chunked = false
	for i, line := range lines {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch {
		case i == 0:
		case strings.EqualFold(name, "Transfer-Encoding") && strings.EqualFold(value, "chunked"):
			d.chunked = true
		case strings.EqualFold(name, "Content-Length") && value == "*":
			content, err := decodeAll(body)
			if err != nil {
				return nil, err
			}
			line = fmt.Sprintf("%s: %d", name, len(content))
		}
		decoded, err := decodeLine(line)
		if err != nil {
			return nil, err
		}
		head = append(append(head, decoded...), "\r\n"...)
	}
	return append(head, "\r\n"...), nil
}

// frame writes a body, or a part of one: in chunks where the head says so, a chunk for each line or each so many bytes.
func (d *draft) frame(body, trailers []string, chunk int, end bool) (out []byte, err error) {
	if !d.chunked {
		return decodeAll(body)
	}
	var chunks [][]byte
	for _, line := range body {
		content, err := decodeLine(line)
		if err != nil {
			return nil, err
		}
		chunks = append(chunks, content)
	}
	if chunk > 0 {
		chunks = slices.Collect(slices.Chunk(bytes.Join(chunks, nil), chunk))
	}
	for _, content := range chunks {
		out = fmt.Appendf(out, "%x\r\n%s\r\n", len(content), content)
	}
	if !end {
		return out, nil
	}
	out = append(out, "0\r\n"...)
	for _, line := range trailers {
		field, err := decodeLine(line)
		if err != nil {
			return nil, err
		}
		out = append(append(out, field...), "\r\n"...)
	}
	return append(out, "\r\n"...), nil
}

// sections are groups of lines, with an empty line between them.
type sections [][]string

func split(lines []string) sections {
	out := sections{nil}
	for _, line := range lines {
		if line == "" {
			out = append(out, nil)
			continue
		}
		out[len(out)-1] = append(out[len(out)-1], line)
	}
	return out
}

// at is a section, and empty behind the last.
func (s sections) at(i int) []string {
	if i < len(s) {
		return s[i]
	}
	return nil
}

// decodeAll joins lines: where one ends nothing is added.
func decodeAll(lines []string) (out []byte, err error) {
	for _, line := range lines {
		decoded, err := decodeLine(line)
		if err != nil {
			return nil, err
		}
		out = append(out, decoded...)
	}
	return out, nil
}

func positive(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q is not a number of bytes, 1 or more", text)
	}
	return n, nil
}

// fieldDue is a field that is due, or that must not be there.
type fieldDue struct {
	name string
	// absent says that there must be no such field. Otherwise value is due, or what pattern matches, or anything.
	absent  bool
	value   string
	pattern *regexp.Regexp
	any     bool
}

// readFields reads the fields that are due.
func readFields(lines []string) (fields []fieldDue, err error) {
	for _, line := range lines {
		if name, absent := strings.CutPrefix(line, "no "); absent && !strings.Contains(name, ":") {
			fields = append(fields, fieldDue{name: name, absent: true})
			continue
		}
		name, value, found := strings.Cut(line, ":")
		if !found || strings.ContainsAny(name, " \t") {
			return nil, fmt.Errorf("%q is not a field that is due: 'Name: value', 'Name: /pattern/', 'Name: *' or 'no Name'", line)
		}
		value = strings.TrimSpace(value)
		field := fieldDue{name: name, value: value}
		switch inner := strings.TrimSuffix(strings.TrimPrefix(value, "/"), "/"); {
		case value == "*":
			field.any = true
		case len(value) > 1 && len(inner) == len(value)-2:
			if field.pattern, err = compile(inner); err != nil {
				return nil, err
			}
		default:
			decoded, err := decodeLine(value)
			if err != nil {
				return nil, err
			}
			field.value = string(decoded)
		}
		fields = append(fields, field)
	}
	return fields, nil
}

// compile makes a pattern that has to match the whole; a dot stands for any byte.
func compile(pattern string) (*regexp.Regexp, error) {
	compiled, err := regexp.Compile("(?s)^(?:" + pattern + ")$")
	if err != nil {
		return nil, fmt.Errorf("the pattern /%s/ cannot be read: %w", pattern, err)
	}
	return compiled, nil
}
