// Command form shows a form, and answers what was filled in, files while they come in.
package main

import (
	_ "embed"
	"errors"
	"io"

	"github.com/sluicehttp/sluice/sdk-go"
	"github.com/sluicehttp/sluice/sdk-go/form"
	"github.com/sluicehttp/sluice/sdk-go/json"
)

func init() { sluice.Handle(serve) }

//go:embed form.html
var page string

// maxValue bounds the values that are shown, in bytes. Files are not kept, so they may have any size.
const maxValue = 64 << 10

func serve(w sluice.ResponseWriter, r *sluice.Request) error {
	switch r.Method {
	case "GET", "HEAD":
		return sluice.HTML(w, 200, page)
	case "POST":
		return take(w, r)
	}
	w.Header().Set("Allow", "GET, HEAD, POST")
	return refuse(w, 405, "not allowed")
}

func take(w sluice.ResponseWriter, r *sluice.Request) error {
	var parts []any
	var err error
	switch r.ContentType() {
	case "multipart/form-data":
		parts, err = multipart(r)
	case "application/x-www-form-urlencoded":
		parts, err = urlencoded(r)
	default:
		return refuse(w, 415, "a form is wanted")
	}
	switch {
	case errors.Is(err, form.ErrBroken):
		return refuse(w, 400, "the form is broken")
	case err != nil:
		return err
	}
	return json.Write(w, 200, map[string][]any{"parts": parts})
}

type value struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type file struct {
	Name     string `json:"name"`
	Filename string `json:"filename"`
	Type     string `json:"type"`
	Bytes    int64  `json:"bytes"`
}

// multipart reads a form part by part.
func multipart(r *sluice.Request) ([]any, error) {
	if err := r.Stream(); err != nil { // files of any size take any time
		return nil, err
	}
	reader, err := form.NewReader(r)
	if err != nil {
		return nil, err
	}
	parts := []any{}
	for {
		part, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return parts, nil
		}
		if err != nil {
			return nil, err
		}
		found, err := describe(part)
		if err != nil {
			return nil, err
		}
		parts = append(parts, found)
	}
}

// describe reads a part to its end.
func describe(part *form.Part) (any, error) {
	if !part.File {
		text, err := part.Text(maxValue)
		return value{part.Name, text}, err
	}
	if part.Type == "" {
		part.Type = "application/octet-stream"
	}
	size, err := io.Copy(io.Discard, part)
	return file{part.Name, part.Filename, part.Type, size}, err
}

func urlencoded(r *sluice.Request) ([]any, error) {
	values, err := form.Values(r)
	if err != nil {
		return nil, err
	}
	parts := []any{}
	for name, text := range values.All() {
		parts = append(parts, value{name, text})
	}
	return parts, nil
}

func refuse(w sluice.ResponseWriter, status int, why string) error {
	return json.Write(w, status, map[string]string{"error": why})
}

// main never runs: the module is a library.
func main() {}
