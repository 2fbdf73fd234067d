// Command echo sends a request's body back while it still comes in, and its trailers after it.
package main

import (
	"io"

	"github.com/sluicehttp/sluice/sdk-go"
)

func init() { sluice.Handle(echo) }

func echo(w sluice.ResponseWriter, r *sluice.Request) error {
	if err := r.Stream(); err != nil { // a body of any size takes any time
		return err
	}
	contentType := r.Header("Content-Type")
	if contentType == "" {
		contentType = "application/octet-stream"
	}
	w.Header().Set("Content-Type", contentType)
	if _, err := io.Copy(w, r.Body); err != nil {
		return err
	}
	for name, value := range r.Trailers() {
		w.Trailer().Add(name, value)
	}
	return w.Flush() // even an empty answer has no length
}

// main never runs: the module is a library.
func main() {}
