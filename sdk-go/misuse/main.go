// Command misuse does what a handler should not, each under a path of its own, for tests of what becomes of it.
package main

import (
	"errors"

	"github.com/sluicehttp/sluice/sdk-go"
)

func init() { sluice.Handle(misuse) }

func misuse(w sluice.ResponseWriter, r *sluice.Request) error {
	switch r.Path {
	case "/write-after-end":
		return writeAfterEnd(w)
	case "/wrong-length":
		return wrongLength(w)
	case "/double-head":
		return doubleHead(w)
	case "/throw":
		return throw(nil)
	case "/error":
		return errors.New("the shelf is empty")
	case "/block":
		block()
	}
	return sluice.Text(w, 404, "not found\n")
}

// writeAfterEnd writes when the answer has ended.
func writeAfterEnd(w sluice.ResponseWriter) error {
	if err := sluice.Text(w, 200, "complete\n"); err != nil {
		return err
	}
	_, err := w.WriteString("more")
	if !errors.Is(err, sluice.ErrState) {
		return errors.New("writing after the end is no ErrState")
	}
	println("write-after-end:", err.Error())
	return nil
}

// wrongLength announces three bytes and writes five.
func wrongLength(w sluice.ResponseWriter) error {
	w.Header().Set("Content-Length", "3")
	if _, err := w.WriteString("three"); err != nil {
		return err
	}
	err := w.Flush()
	if !errors.Is(err, sluice.ErrTooBig) {
		return errors.New("writing too much is no ErrTooBig")
	}
	println("wrong-length:", err.Error())
	return err
}

// doubleHead says twice what the status is.
func doubleHead(w sluice.ResponseWriter) error {
	if err := w.WriteHeader(200); err != nil {
		return err
	}
	err := w.WriteHeader(404)
	if !errors.Is(err, sluice.ErrState) {
		return errors.New("a second head is no ErrState")
	}
	println("double-head:", err.Error())
	_, err = w.WriteString("the first holds\n")
	return err
}

// throw panics.
func throw(shelf map[string]int) error {
	shelf["Solaris"]++
	return nil
}

// block computes for longer than anybody waits: until a number of 64 bits has gone round.
func block() {
	sum := 0
	for turn := 1; turn != 0; turn++ {
		sum += turn
	}
	println("block:", sum)
}

// main never runs: the module is a library.
func main() {}
