package sluice

import "github.com/sluicehttp/sluice/sdk-go/abi"

// ResponseWriter is the answer to a request.
//
// Small answers are sent whole when the handler returns, with their length. One that is larger than 16 KiB, or flushed, or not
// complete when the handler waits for more of the request's body, goes out in pieces: with the length that the handler has put
// into Content-Length, or in chunks.
type ResponseWriter interface {
	// Header are the fields of the answer. They can be changed until the head goes out.
	Header() *Header
	// WriteHeader says what the status is, 200 to 999; without it, it is 200. [ErrInvalid] for another number, [ErrState] when
	// it was called before, or the head has gone out.
	WriteHeader(status int) error
	// Write goes on with the body. It waits while the peer takes less than it is sent. [ErrState] when the answer was ended,
	// [ErrTooBig] for more than Content-Length announces, [ErrClosed] when the peer is gone.
	Write(piece []byte) (int, error)
	// WriteString is Write of a string.
	WriteString(piece string) (int, error)
	// Flush waits until what was written was handed to the operating system. A head without a body goes out with the first
	// piece, or when the handler waits for the request's body.
	Flush() error
	// Trailer are fields that end the answer. They reach a client that gets the body in chunks.
	Trailer() *Header
	// Informational sends an answer from 100 to 199 ahead of the answer, such as 103 with Link (RFC 8297).
	Informational(status int, fields ...Field) error
	// End ends the answer. What the handler does afterwards does not keep the client waiting. Returning does the same.
	End() error
}

// bufferSize is how much of an answer is kept until its end, so that it goes out whole.
const bufferSize = 16 << 10

// response is the answer to the present request.
type response struct {
	status   int // 0 until there is one
	header   Header
	trailer  Header
	buffered []byte
	headSent bool
	ended    bool
}

var (
	errHead  error = &CallError{"send_head", ErrState}
	errEnded error = &CallError{"send_data", ErrState}
)

// prepare allocates what every answer needs, so that it is part of the image in which requests begin.
func (w *response) prepare() {
	w.buffered = make([]byte, 0, bufferSize)
	w.header.fields = make([]Field, 0, 16)
}

func (w *response) begin() {
	w.status, w.headSent, w.ended = 0, false, false
	w.header.Clear()
	w.trailer.Clear()
	w.buffered = w.buffered[:0]
}

func (w *response) Header() *Header  { return &w.header }
func (w *response) Trailer() *Header { return &w.trailer }

func (w *response) WriteHeader(status int) error {
	switch {
	case w.status != 0 || w.headSent || w.ended:
		return errHead
	case status < 200 || status > 999:
		return failure("send_head", abi.ErrnoInvalid)
	}
	w.status = status
	return nil
}

func (w *response) Write(piece []byte) (int, error) {
	if w.ended {
		return 0, errEnded
	}
	if w.buffer(piece) {
		return len(piece), nil
	}
	if err := w.push(); err != nil {
		return 0, err
	}
	if !w.buffer(piece) {
		if err := w.sendHead(); err != nil {
			return 0, err
		}
		if err := present.send(piece); err != nil {
			return 0, err
		}
	}
	return len(piece), present.takeDue()
}

// buffer keeps a piece if there is room for it.
func (w *response) buffer(piece []byte) bool {
	if len(piece) > cap(w.buffered)-len(w.buffered) {
		return false
	}
	w.buffered = append(w.buffered, piece...)
	return true
}

func (w *response) WriteString(piece string) (int, error) { return w.Write(bytesOf(piece)) }

func (w *response) Flush() error {
	if w.ended {
		return nil
	}
	if err := w.sendHead(); err != nil {
		return err
	}
	if err := w.push(); err != nil {
		return err
	}
	if err := present.takeDue(); err != nil {
		return err
	}
	return present.flush()
}

func (w *response) Informational(status int, fields ...Field) error {
	if w.headSent || w.ended {
		return failure("send_informational", abi.ErrnoState)
	}
	return present.session.SendInformational(status, fields)
}

func (w *response) End() error {
	if w.ended {
		return nil
	}
	w.ended = true
	if !w.headSent && len(w.trailer.fields) == 0 {
		return present.session.Send(w.statusOr200(), w.header.fields, w.buffered)
	}
	if err := w.sendHead(); err != nil {
		return err
	}
	if err := w.push(); err != nil {
		return err
	}
	if len(w.trailer.fields) > 0 {
		return present.session.SendTrailers(w.trailer.fields)
	}
	return present.session.SendEnd()
}

// push sends what was written so far.
func (w *response) push() error {
	if len(w.buffered) == 0 {
		return nil
	}
	if err := w.sendHead(); err != nil {
		return err
	}
	piece := w.buffered
	w.buffered = w.buffered[:0]
	return present.send(piece)
}

func (w *response) sendHead() error {
	if w.headSent {
		return nil
	}
	if err := present.session.SendHead(w.statusOr200(), w.header.fields); err != nil {
		return err
	}
	w.headSent = true
	return nil
}

func (w *response) statusOr200() int {
	if w.status == 0 {
		return 200
	}
	return w.status
}
