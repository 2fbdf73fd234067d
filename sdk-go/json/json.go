// Package json reads requests and writes answers as JSON. It is apart from package sluice because encoding/json, and the
// reflection that it needs, make a module 1.4 MB larger.
package json

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/sluicehttp/sluice/sdk-go"
)

// ErrSyntax says that a body is not JSON, or more than one value. A handler that returns it has the request answered 400.
var ErrSyntax error = &sluice.StatusError{Code: 400, Text: "the body is not JSON"}

// ErrType says that a body is JSON, but not of the types that were wanted. A handler that returns it has the request answered
// 400.
var ErrType error = &sluice.StatusError{Code: 400, Text: "the JSON is not of the wanted types"}

// Read reads the body of a request into what v points to, as [json.Unmarshal] does. Its errors are those of
// [sluice.Request.Bytes], [ErrSyntax] and [ErrType], which wrap nothing: what the client hears tells nothing of the handler.
func Read(r *sluice.Request, v any) error {
	body, err := r.Bytes()
	if err != nil {
		return err
	}
	err = json.Unmarshal(body, v)
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax), errors.Is(err, io.ErrUnexpectedEOF):
		return ErrSyntax
	}
	return ErrType
}

// Write sends a whole answer: v as compact JSON, in which no character is escaped for the sake of HTML, with its type.
func Write(w sluice.ResponseWriter, status int, v any) error {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	return sluice.Reply(w, status, nil, bytes.TrimSuffix(body.Bytes(), []byte("\n")))
}
