package sluice

import "unsafe"

// Media types of answers.
const (
	plainType = "text/plain; charset=utf-8"
	htmlType  = "text/html; charset=utf-8"
)

var plainText = []Field{{"Content-Type", plainType}}

// Reply sends a whole answer, with its length: the fields beside those that are in w.Header() already. Nothing can be written
// afterwards.
func Reply(w ResponseWriter, status int, fields []Field, body []byte) error {
	for _, field := range fields {
		w.Header().Add(field.Name, field.Value)
	}
	return reply(w, status, body)
}

// Text sends a whole answer of text.
func Text(w ResponseWriter, status int, body string) error {
	w.Header().Set("Content-Type", plainType)
	return reply(w, status, bytesOf(body))
}

// HTML sends a whole answer of HTML.
func HTML(w ResponseWriter, status int, body string) error {
	w.Header().Set("Content-Type", htmlType)
	return reply(w, status, bytesOf(body))
}

// Redirect sends the client to another place, with a status from 301 to 308.
func Redirect(w ResponseWriter, status int, location string) error {
	w.Header().Set("Location", location)
	return reply(w, status, nil)
}

func reply(w ResponseWriter, status int, body []byte) error {
	if own, ok := w.(*response); ok {
		return own.whole(status, body)
	}
	if err := w.WriteHeader(status); err != nil {
		return err
	}
	if _, err := w.Write(body); err != nil {
		return err
	}
	return w.End()
}

// whole sends an answer without a copy of its body.
func (w *response) whole(status int, body []byte) error {
	if w.headSent || w.ended || len(w.buffered) > 0 || w.status != 0 {
		return errHead
	}
	w.status = status
	if len(w.trailer.fields) > 0 {
		if _, err := w.Write(body); err != nil {
			return err
		}
		return w.End()
	}
	if err := present.session.Send(status, w.header.fields, body); err != nil {
		w.status = 0
		return err
	}
	w.ended = true
	return nil
}

// bytesOf is a string's bytes, not to be changed.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
