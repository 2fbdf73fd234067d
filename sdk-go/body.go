package sluice

import "io"

// DefaultLimit is how large a body [Request.Bytes] and what is made of it take, in bytes, unless [Request.Limit] says
// otherwise. It is the engine's default for bodies that it collects.
const DefaultLimit = 1 << 20

// ErrBodyTooLarge says that a body is larger than its limit. A handler that returns it has the request answered 413.
var ErrBodyTooLarge error = &StatusError{413, "the body is too large"}

// body is the body of the present request.
type body struct {
	rest  []byte // of the present piece
	lent  bool   // rest is the host's
	err   error  // why no piece follows
	limit int64  // of the body
	heard int64  // bytes so far
	held  bool   // the limit is for every reader
}

func (b *body) begin() {
	b.rest, b.lent, b.err, b.limit, b.heard, b.held = nil, false, nil, DefaultLimit, 0, false
}

// Limit bounds the body: reading more of it fails with [ErrBodyTooLarge]. Without it, [Request.Bytes] and [Request.Text]
// have a limit of [DefaultLimit], and readers of Body have none.
func (r *Request) Limit(bytes int64) {
	r.body.limit = bytes
	r.body.held = true
}

// Bytes is the whole body. It waits for it.
func (r *Request) Bytes() ([]byte, error) {
	length := r.ContentLength()
	if length > r.body.limit {
		return nil, ErrBodyTooLarge
	}
	r.body.held = true
	all := make([]byte, 0, max(length, 0))
	for {
		piece, err := r.body.next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, piece...)
	}
}

// Text is the whole body as a string.
func (r *Request) Text() (string, error) {
	all, err := r.Bytes()
	return text(all), err
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	piece, err := b.next()
	if err != nil {
		return 0, err
	}
	n := copy(p, piece)
	b.rest = piece[n:]
	return n, nil
}

// WriteTo implements [io.WriterTo]: pieces are written from where the host has put them.
func (b *body) WriteTo(w io.Writer) (written int64, err error) {
	for {
		piece, err := b.next()
		if err == io.EOF {
			return written, nil
		}
		if err != nil {
			return written, err
		}
		n, err := w.Write(piece)
		written += int64(n)
		if err != nil {
			return written, err
		}
	}
}

// next is the rest of the present piece, or the next one. Its error is io.EOF at the end of the body.
func (b *body) next() ([]byte, error) {
	if piece := b.rest; len(piece) > 0 {
		b.rest = nil
		return piece, nil
	}
	for b.err == nil {
		if b.err = present.response.push(); b.err != nil {
			break
		}
		e, err := present.pull()
		if err != nil {
			b.err = err
			break
		}
		switch e.Kind {
		case DataReady:
			piece := e.Data()
			if b.heard += int64(len(piece)); b.held && b.heard > b.limit {
				b.err = ErrBodyTooLarge
				break
			}
			b.lent = true
			return piece, nil
		case TrailerReady:
			present.request.trailer = e.Fields()
			present.request.trailer.keep(e.payload)
		case Ready:
			b.err = io.EOF
		}
	}
	return nil, b.err
}

// keep copies what is the host's, because the room is needed for another event.
func (b *body) keep() {
	if b.lent && len(b.rest) > 0 {
		b.rest = append([]byte(nil), b.rest...)
	}
	b.lent = false
}
