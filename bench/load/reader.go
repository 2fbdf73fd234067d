package load

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// maxHead is the longest head that is understood.
const maxHead = 8 << 10

// reader reads answers from a connection.
type reader struct {
	conn       net.Conn
	buffer     []byte
	begin, end int // of what is in the buffer
}

func (r *reader) reset(conn net.Conn) {
	if r.buffer == nil {
		r.buffer = make([]byte, maxHead)
	}
	r.conn, r.begin, r.end = conn, 0, 0
}

// answer reads one answer to its end. It has to be the one that is wanted.
func (r *reader) answer(want *Answer) error {
	if want.length() > maxHead && len(r.buffer) == maxHead {
		larger := make([]byte, 256<<10)
		copy(larger, r.buffer)
		r.buffer = larger
	}
	h, err := r.head()
	if err != nil {
		return err
	}
	if h.status != want.Status {
		return fmt.Errorf("answered with status %d instead of %d", h.status, want.Status)
	}
	if h.chunked {
		return r.chunks(want)
	}
	if h.length != want.length() {
		return fmt.Errorf("answered %d bytes instead of %d", h.length, want.length())
	}
	return r.body(want, 0, h.length)
}

// drained is an error when something follows the last answer.
func (r *reader) drained() error {
	if left := r.end - r.begin; left > 0 {
		return fmt.Errorf("%d bytes follow the answer: %q", left, cut(r.buffer[r.begin:r.end]))
	}
	return nil
}

// head reads up to the blank line.
func (r *reader) head() (head, error) {
	for {
		h, err := scanHead(r.buffer[r.begin:r.end])
		if err == nil {
			r.begin += h.size
			return h, nil
		}
		if !errors.Is(err, errIncomplete) {
			return h, err
		}
		if r.end-r.begin >= maxHead {
			return h, fmt.Errorf("the head of an answer is longer than %d bytes", maxHead)
		}
		if err := r.fill(); err != nil {
			return h, err
		}
	}
}

// body reads so many bytes of a body, the first of which has a place in it.
func (r *reader) body(want *Answer, at, length int64) error {
	for length > 0 {
		if r.begin == r.end {
			if err := r.fill(); err != nil {
				return err
			}
		}
		piece := r.buffer[r.begin:r.end]
		piece = piece[:min(int64(len(piece)), length)]
		if err := want.check(at, piece); err != nil {
			return err
		}
		r.begin += len(piece)
		at, length = at+int64(len(piece)), length-int64(len(piece))
	}
	return nil
}

// chunks reads a body in chunks, with its last one and the end of its trailers.
func (r *reader) chunks(want *Answer) error {
	for at := int64(0); ; {
		line, err := r.line()
		if err != nil {
			return err
		}
		digits, _, _ := bytes.Cut(line, []byte(";"))
		length, err := strconv.ParseInt(string(bytes.TrimSpace(digits)), 16, 64)
		if err != nil || length < 0 {
			return fmt.Errorf("%q is no length of a chunk", line)
		}
		if length == 0 {
			if at != want.length() {
				return fmt.Errorf("answered %d bytes instead of %d", at, want.length())
			}
			return r.trailers()
		}
		if err := r.body(want, at, length); err != nil {
			return err
		}
		at += length
		if line, err := r.line(); err != nil || len(line) > 0 {
			return errors.Join(fmt.Errorf("%q follows a chunk", line), err)
		}
	}
}

// trailers reads lines up to an empty one.
func (r *reader) trailers() error {
	for {
		if line, err := r.line(); err != nil || len(line) == 0 {
			return err
		}
	}
}

// line reads up to the end of a line, and gives what is before it.
func (r *reader) line() ([]byte, error) {
	for {
		have := r.buffer[r.begin:r.end]
		if at := bytes.IndexByte(have, '\n'); at >= 0 {
			r.begin += at + 1
			return bytes.TrimSuffix(have[:at], []byte("\r")), nil
		}
		if len(have) >= maxHead {
			return nil, fmt.Errorf("a line of an answer is longer than %d bytes", maxHead)
		}
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
}

// fill reads some more. There is room when it is called: what is in the buffer is less than maxHead.
func (r *reader) fill() error {
	if r.begin > 0 {
		r.end = copy(r.buffer, r.buffer[r.begin:r.end])
		r.begin = 0
	}
	if len(r.buffer) > maxHead {
		// Long answers may take long, as long as they go on.
		if err := r.conn.SetReadDeadline(time.Now().Add(answerTime)); err != nil {
			return err
		}
	}
	n, err := r.conn.Read(r.buffer[r.end:])
	r.end += n
	if n > 0 {
		return nil
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("after %d bytes of an answer: %w", r.end, err)
}

// head is what has to be known of the head of an answer.
type head struct {
	status  int
	size    int // with the blank line
	length  int64
	chunked bool
}

// errIncomplete says that more bytes are needed.
var errIncomplete = errors.New("incomplete")

var (
	protocol         = []byte("HTTP/1.1 ")
	blankLine        = []byte("\r\n\r\n")
	contentLength    = []byte("content-length:")
	transferEncoding = []byte("transfer-encoding:")
	chunked          = []byte("chunked")
)

// scanHead reads no more of a head than how the answer ends.
func scanHead(b []byte) (head, error) {
	end := bytes.Index(b, blankLine)
	if end < 0 {
		return head{}, errIncomplete
	}
	h := head{size: end + len(blankLine)}
	line, fields, _ := bytes.Cut(b[:h.size], []byte("\n"))
	var err error
	if h.status, err = scanStatus(line); err != nil {
		return h, err
	}
	return h, h.scanFraming(fields)
}

func scanStatus(line []byte) (int, error) {
	rest, ok := bytes.CutPrefix(line, protocol)
	if !ok || len(rest) < 3 {
		return 0, fmt.Errorf("%q is no status line of HTTP/1.1", line)
	}
	status, err := strconv.Atoi(string(rest[:3]))
	if err != nil {
		return 0, fmt.Errorf("%q is no status line of HTTP/1.1", line)
	}
	return status, nil
}

// scanFraming finds the field that says how the body ends.
func (h *head) scanFraming(fields []byte) error {
	for line := range bytes.Lines(fields) {
		if value, ok := valueOf(line, contentLength); ok {
			length, err := strconv.ParseUint(string(value), 10, 40)
			if err != nil {
				return fmt.Errorf("%q is no length", line)
			}
			h.length = int64(length)
			return nil
		}
		if value, ok := valueOf(line, transferEncoding); ok {
			if !bytes.EqualFold(value, chunked) {
				return fmt.Errorf("%q is no coding that is understood", line)
			}
			h.chunked = true
			return nil
		}
	}
	return errors.New("the answer has neither Content-Length nor Transfer-Encoding")
}

// valueOf gives the value of a field if it has a name, which ends with the colon.
func valueOf(line, name []byte) ([]byte, bool) {
	if len(line) <= len(name) || !bytes.EqualFold(line[:len(name)], name) {
		return nil, false
	}
	return bytes.TrimSpace(line[len(name):]), true
}
