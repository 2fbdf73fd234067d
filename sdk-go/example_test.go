//go:build !wasip1

package sluice_test

import (
	"fmt"
	"io"

	"github.com/sluicehttp/sluice/sdk-go"
	"github.com/sluicehttp/sluice/sdk-go/sluicetest"
)

// A handler of messages is registered by init; here a function does, so that the example can ask it.
func ExampleHandle() {
	hello := func(w sluice.ResponseWriter, r *sluice.Request) error {
		return sluice.Text(w, 200, "Hello, "+r.QueryVar("name")+"!")
	}
	sluicetest.Register(func() { sluice.Handle(hello) })

	got := sluicetest.Do(sluicetest.Request{Target: "/?name=Ada"})
	fmt.Println(got.Status, got.Body)
	// Output: 200 Hello, Ada!
}

// A body goes back while it still comes in.
func ExampleHandle_streaming() {
	echo := func(w sluice.ResponseWriter, r *sluice.Request) error {
		if err := r.Stream(); err != nil {
			return err
		}
		_, err := io.Copy(w, r.Body)
		return err
	}
	sluicetest.Register(func() { sluice.Handle(echo) })

	got := sluicetest.Do(sluicetest.Request{Body: []string{"one, ", "two"}})
	fmt.Println(got.Body, got.Handed)
	// Output: one, two [5 8]
}

// An error with a status is an answer.
func ExampleStatusError() {
	sluicetest.Register(func() {
		sluice.Handle(func(w sluice.ResponseWriter, r *sluice.Request) error {
			return &sluice.StatusError{Code: 404, Text: "no such book"}
		})
	})

	got := sluicetest.Do(sluicetest.Request{})
	fmt.Printf("%d %q\n", got.Status, got.Body)
	// Output: 404 "no such book\n"
}

// A handler of Ready alone has the whole request at once.
func ExampleOn() {
	sluicetest.Register(func() {
		sluice.On(sluice.Ready, func(e *sluice.Event) error {
			return e.Session.Send(200, nil, e.Message().Body)
		})
	})

	got := sluicetest.Do(sluicetest.Request{Body: []string{"a", "b"}})
	fmt.Println(got.Status, got.Body)
	// Output: 200 ab
}

// Fields are gone through in the order in which they were sent.
func ExampleRequest_Headers() {
	sluicetest.Register(func() {
		sluice.Handle(func(w sluice.ResponseWriter, r *sluice.Request) {
			for name, value := range r.Headers() {
				fmt.Println(name, value)
			}
		})
	})

	sluicetest.Do(sluicetest.Request{Fields: []sluice.Field{{Name: "Host", Value: "a"}, {Name: "Accept", Value: "*/*"}}})
	// Output:
	// Host a
	// Accept */*
}
