// Command events says hello at the level of events: it hears one, and answers with one call.
package main

import "github.com/sluicehttp/sluice/sdk-go"

func init() { sluice.On(sluice.Ready, hello) }

var fields = []sluice.Field{{Name: "content-type", Value: "text/plain; charset=utf-8"}}

func hello(e *sluice.Event) error {
	return e.Session.SendText(200, fields, "Hello from Go!\n")
}

// main never runs: the module is a library.
func main() {}
