// Command hello-go says hello, with the SDK's requests and responses.
package main

import "github.com/sluicehttp/sluice/sdk-go"

func init() { sluice.Handle(hello) }

func hello(w sluice.ResponseWriter, _ *sluice.Request) error {
	return sluice.Text(w, 200, "Hello, world!\n")
}

// main never runs: the module is a library.
func main() {}
