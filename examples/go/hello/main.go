// Command hello greets the world, or whom the query names.
package main

import "github.com/sluicehttp/sluice/sdk-go"

func init() { sluice.Handle(hello) }

func hello(w sluice.ResponseWriter, r *sluice.Request) error {
	name := r.QueryVar("name")
	if name == "" {
		name = "world"
	}
	return sluice.Text(w, 200, "Hello, "+name+"!\n")
}

// main never runs: the module is a library.
func main() {}
