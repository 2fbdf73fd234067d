package nethttp

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/sluicehttp/sluice/sdk-go"
)

// responseWriter is an answer as net/http has it. It implements [http.Flusher], and what [http.ResponseController] looks for.
type responseWriter struct {
	to      sluice.ResponseWriter
	request *http.Request
	session sluice.Session
	header  http.Header
	cancel  context.CancelFunc

	wroteHeader bool
	streaming   bool
	written     int64
	trailers    []string // announced by the field Trailer
	err         error    // why nothing more can be written
}

func (w *responseWriter) Header() http.Header { return w.header }

// WriteHeader begins the answer, or sends an informational one.
func (w *responseWriter) WriteHeader(status int) {
	switch {
	case w.wroteHeader:
		return // net/http logs a superfluous call; the first one holds
	case status < 100 || status > 999:
		panic("nethttp: WriteHeader needs a status from 100 to 999")
	case status == http.StatusSwitchingProtocols:
		panic("nethttp: 101 needs Hijack, which there is not here")
	case status < 200:
		if err := w.to.Informational(status, fieldsOf(w.header)...); errors.Is(err, sluice.ErrClosed) {
			_ = w.note(err)
		}
		return
	}
	w.wroteHeader = true
	w.announceTrailers()
	for _, field := range fieldsOf(w.header) {
		w.to.Header().Add(field.Name, field.Value)
	}
	_ = w.note(w.to.WriteHeader(status))
}

// announceTrailers remembers which fields are to come after the body.
func (w *responseWriter) announceTrailers() {
	for _, line := range w.header["Trailer"] {
		for name := range strings.SplitSeq(line, ",") {
			w.trailers = append(w.trailers, http.CanonicalHeaderKey(strings.TrimSpace(name)))
		}
	}
	for _, name := range w.trailers {
		w.header.Del(name)
	}
}

// fieldsOf are the fields of a header that are sent with the head. What a trailer's prefix marks is not, nor what frames the
// message, which is the host's business.
func fieldsOf(header http.Header) (fields []sluice.Field) {
	for name, values := range header {
		if name == "Transfer-Encoding" || strings.HasPrefix(name, http.TrailerPrefix) {
			continue
		}
		for _, value := range values {
			fields = append(fields, sluice.Field{Name: name, Value: value})
		}
	}
	return fields
}

func (w *responseWriter) Write(piece []byte) (int, error) {
	w.begin(piece)
	if w.err != nil {
		return 0, w.err
	}
	if w.written += int64(len(piece)); w.written >= streamAfter {
		w.stream()
	}
	n, err := w.to.Write(piece)
	return n, w.note(err)
}

func (w *responseWriter) WriteString(piece string) (int, error) { return w.Write([]byte(piece)) }

// begin begins an answer that has not begun, with a type that its first bytes look like (as net/http has it).
func (w *responseWriter) begin(piece []byte) {
	if w.wroteHeader {
		return
	}
	_, typed := w.header["Content-Type"]
	if !typed && w.header.Get("Content-Encoding") == "" && len(piece) > 0 {
		w.header.Set("Content-Type", http.DetectContentType(piece))
	}
	w.WriteHeader(http.StatusOK)
}

// Flush implements [http.Flusher].
func (w *responseWriter) Flush() { _ = w.FlushError() }

// FlushError is what [http.ResponseController.Flush] calls. An answer that is flushed is a stream.
func (w *responseWriter) FlushError() error {
	w.begin(nil)
	if w.err != nil {
		return w.err
	}
	w.stream()
	return w.note(w.to.Flush())
}

// EnableFullDuplex is what [http.ResponseController.EnableFullDuplex] calls: it is always so here.
func (w *responseWriter) EnableFullDuplex() error { return nil }

func (w *responseWriter) stream() {
	if !w.streaming {
		w.streaming = true
		_ = w.session.Stream() // fails only when the answer is complete
	}
}

// end ends the answer when the handler has returned.
func (w *responseWriter) end() error {
	w.begin(nil)
	for _, name := range w.trailers {
		for _, value := range w.header[name] {
			w.to.Trailer().Add(name, value)
		}
	}
	for name, values := range w.header {
		if trailer, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			for _, value := range values {
				w.to.Trailer().Add(trailer, value)
			}
		}
	}
	if errors.Is(w.err, sluice.ErrTooBig) {
		return w.to.End() // the handler was told; what Content-Length has announced may be there all the same
	}
	if w.err != nil {
		return w.err
	}
	return w.to.End()
}

// note keeps an error for what follows, and cancels the request's context when the client is gone.
func (w *responseWriter) note(err error) error {
	if err == nil {
		return nil
	}
	w.err = err
	if errors.Is(err, sluice.ErrClosed) {
		w.cancel()
	}
	return err
}
