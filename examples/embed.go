// Package examples holds the examples that `sluice new` begins projects with, so that there is one hello in each language.
package examples

import "embed"

// Source are files of examples, under their paths here.
//
//go:embed abi/hello-c/handler.c
//go:embed abi/hello-go/main.go
var Source embed.FS
