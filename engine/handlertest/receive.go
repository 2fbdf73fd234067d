package handlertest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// What is due of an answer, and how what came is held against it.

// receive is a step: an answer, or a part of one, is due.
type receive struct {
	line     int
	peer     string // the name of the connection
	part     part
	statuses []string // such as "200", "2xx" or "*"
	fields   []fieldDue
	body     bodyDue
	trailers []fieldDue
	// skip1xx lets informational answers come in front of the one that is due.
	skip1xx bool
}

// bodyDue is what is due of a body. Nothing: any body will do.
type bodyDue struct {
	given   bool
	exact   []byte
	json    bool // exact is compared as JSON
	pattern *regexp.Regexp
	length  int64 // -1: any
	sha256  string
}

// readReceive reads a block of the kind receive.
func (c *Case) readReceive(line int, settings, content []string) error {
	r := &receive{line: line, body: bodyDue{length: -1}}
	pattern, err := r.readSettings(settings)
	if err != nil {
		return err
	}
	c.steps = append(c.steps, r)
	sections := split(content)
	if !r.part.isLater() {
		if err := r.readHead(sections[0]); err != nil {
			return err
		}
		sections = sections[1:]
	}
	if len(sections) > 2 {
		return errTooManyLines
	}
	if r.trailers, err = readFields(sections.at(1)); err != nil {
		return err
	}
	return r.body.read(sections.at(0), pattern, r.part.isOpen())
}

// readSettings reads what stands behind receive. With pattern the body is one.
func (r *receive) readSettings(settings []string) (pattern bool, err error) {
	for _, setting := range settings {
		switch key, value, _ := strings.Cut(setting, "="); {
		case parts[setting] != whole:
			r.part = parts[setting]
		case strings.HasPrefix(setting, "@"):
			r.peer = setting
		case setting == "json":
			r.body.json = true
		case setting == "pattern":
			pattern = true
		case setting == "skip-1xx":
			r.skip1xx = true
		case key == "length":
			if r.body.length, err = strconv.ParseInt(value, 10, 64); err != nil || r.body.length < 0 {
				return false, fmt.Errorf("%q is not a length", value)
			}
		case key == "sha256":
			if hash, err := hex.DecodeString(value); err != nil || len(hash) != sha256.Size {
				return false, fmt.Errorf("%q is not a SHA-256 hash of 64 digits", value)
			}
			r.body.sha256 = strings.ToLower(value)
		default:
			return false, fmt.Errorf(
				"receive has no setting %q; it has begins, goes-on, ends, json, pattern, length=N, sha256=HEX, skip-1xx and @NAME", setting)
		}
	}
	return pattern, nil
}

// readHead reads the line of the status and the fields.
func (r *receive) readHead(lines []string) (err error) {
	if len(lines) == 0 {
		return fmt.Errorf("an answer without a status, such as 200, 2xx or *")
	}
	for _, status := range strings.Split(lines[0], " or ") {
		status = strings.TrimPrefix(strings.TrimSpace(status), "HTTP/1.1 ")
		if !statusForm.MatchString(status) {
			return fmt.Errorf("%q is not a status: 200, 2xx, '200 or 206', or * for any", status)
		}
		r.statuses = append(r.statuses, status)
	}
	r.fields, err = readFields(lines[1:])
	return err
}

var statusForm = regexp.MustCompile(`^([1-9][0-9][0-9]|[1-9]xx|\*)$`)

// read reads what is due of a body.
func (b *bodyDue) read(lines []string, pattern, goesOn bool) (err error) {
	measured := b.length >= 0 || b.sha256 != ""
	switch {
	case len(lines) > 0 && measured, b.json && pattern, (b.json || pattern) && len(lines) == 0:
		return fmt.Errorf("a body is due as text, with 'json' or 'pattern' or without, or by length= and sha256=")
	case (b.json || pattern || measured) && goesOn:
		return fmt.Errorf("of a body that goes on later the bytes are due as they are")
	case pattern:
		b.pattern, err = compile(strings.Join(lines, ""))
		return err
	}
	b.given = len(lines) > 0
	if b.exact, err = decodeAll(lines); err != nil {
		return err
	}
	if b.json && !json.Valid(b.exact) {
		return fmt.Errorf("the body that is due is not JSON")
	}
	return nil
}

// informational reports whether an answer ahead of the answer is due.
func (r *receive) informational() bool {
	return len(r.statuses) > 0 && strings.HasPrefix(r.statuses[0], "1")
}

// checkHead compares a head with what is due, and notes both.
func (r *receive) checkHead(d *diff, answer *http.Response) {
	status := strconv.Itoa(answer.StatusCode)
	fits := slices.ContainsFunc(r.statuses, func(due string) bool { return statusFits(due, status) })
	d.compare(fits, strings.Join(r.statuses, " or "), status)
	checkFields(d, r.fields, fieldsOf(answer))
}

// statusFits holds a status against one of the form statusForm.
func statusFits(due, status string) bool {
	return due == "*" || due == status || strings.HasSuffix(due, "xx") && due[0] == status[0]
}

// fieldsOf gives the fields of a head, with the one that net/http puts elsewhere.
func fieldsOf(answer *http.Response) http.Header {
	fields := answer.Header.Clone()
	if len(answer.TransferEncoding) > 0 {
		fields["Transfer-Encoding"] = answer.TransferEncoding
	}
	return fields
}

// checkFields compares the fields that are due. A name that is due several times has as many values, in that order.
func checkFields(d *diff, due []fieldDue, came http.Header) {
	taken := map[string]int{}
	for _, field := range due {
		name := http.CanonicalHeaderKey(field.name)
		values := came[name]
		i := taken[name]
		taken[name]++
		switch {
		case field.absent && len(values) == 0:
			d.same("no " + field.name)
		case field.absent:
			d.lacks("no "+field.name, field.name+": "+encode([]byte(values[0])))
		case i >= len(values):
			d.lacks(field.String(), "(no "+field.name+")")
		default:
			d.compare(field.fits(values[i]), field.String(), field.name+": "+encode([]byte(values[i])))
		}
	}
	for _, name := range sortedNames(taken) {
		for _, value := range came[name][min(taken[name], len(came[name])):] {
			if !isAbsent(due, name) {
				d.differs("", name+": "+encode([]byte(value)))
			}
		}
	}
}

func sortedNames(set map[string]int) (names []string) {
	for name := range set {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func isAbsent(due []fieldDue, name string) bool {
	return slices.ContainsFunc(due, func(f fieldDue) bool { return f.absent && http.CanonicalHeaderKey(f.name) == name })
}

func (f *fieldDue) fits(value string) bool {
	switch {
	case f.any:
		return true
	case f.pattern != nil:
		return f.pattern.MatchString(value)
	}
	return f.value == value
}

func (f *fieldDue) String() string {
	switch {
	case f.any:
		return f.name + ": *"
	case f.pattern != nil:
		return f.name + ": " + patternText(f.pattern)
	}
	return f.name + ": " + encode([]byte(f.value))
}

// patternText is a pattern as the transcript has it.
func patternText(pattern *regexp.Regexp) string {
	return "/" + strings.TrimSuffix(strings.TrimPrefix(pattern.String(), "(?s)^(?:"), ")$") + "/"
}

// maxCompared is how much of a body is kept that is compared by pattern or as JSON, or is not as it is due, in bytes.
const maxCompared = 16 << 20

// checkBody reads a body, or the part of it that is due, and compares it. An error is that of reading.
func (r *receive) checkBody(d *diff, body io.Reader) error {
	due := &r.body
	switch {
	case r.part.isOpen():
		came, err := io.ReadAll(io.LimitReader(body, int64(len(due.exact))))
		d.bytes(due.exact, came)
		return err
	case due.given && !due.json:
		return checkBytes(d, due.exact, body)
	case due.given, due.pattern != nil:
		came, err := io.ReadAll(io.LimitReader(body, maxCompared))
		if err == nil {
			due.checkForm(d, came)
		}
		return err
	}
	hash := sha256.New()
	length, err := io.Copy(hash, body)
	if err == nil && due.length >= 0 {
		d.compare(length == due.length, fmt.Sprintf("length %d", due.length), fmt.Sprintf("length %d", length))
	}
	if sum := hex.EncodeToString(hash.Sum(nil)); err == nil && due.sha256 != "" {
		d.compare(sum == due.sha256, "sha256 "+due.sha256, "sha256 "+sum)
	}
	return err
}

// checkBytes compares a body byte by byte, and keeps of it only what is not as it is due.
func checkBytes(d *diff, due []byte, body io.Reader) error {
	piece := make([]byte, min(len(due)+1, largestPiece))
	for at := 0; ; {
		n, err := body.Read(piece)
		if !bytes.HasPrefix(due[at:], piece[:n]) {
			rest, err := io.ReadAll(io.LimitReader(body, maxCompared))
			d.bytes(due, slices.Concat(due[:at], piece[:n], rest))
			return err
		}
		if at += n; err != nil {
			d.bytes(due, due[:at])
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return err
		}
	}
}

// checkForm compares a body that is not due byte by byte.
func (b *bodyDue) checkForm(d *diff, came []byte) {
	if b.pattern != nil {
		d.compare(b.pattern.Match(came), patternText(b.pattern), excerpt(came, 0))
		return
	}
	due, _ := decodeJSON(b.exact) // it was looked at when the suite was read
	value, err := decodeJSON(came)
	if err != nil {
		d.differs(excerpt(b.exact, 0), excerpt(came, 0))
		d.remark("what came is not JSON: " + err.Error())
		return
	}
	if reflect.DeepEqual(due, value) {
		d.same(excerpt(b.exact, 0))
		return
	}
	d.lines(indent(due), indent(value))
}

// decodeJSON reads one value. Numbers stay as they are written.
func decodeJSON(text []byte) (value any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more behind the value")
	}
	return value, nil
}

// indent writes a value line by line, members of objects in the order of their names.
func indent(value any) []string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(value) // it was decoded
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}
