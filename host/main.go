// Command sluice serves HTTP with handlers compiled to WebAssembly.
package main

import (
	"os"

	"github.com/sluicehttp/sluice/host/command"
)

func main() {
	os.Exit(command.Run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
