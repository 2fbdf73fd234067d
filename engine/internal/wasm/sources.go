package wasm

import "embed"

// Sources are the files of this package. What is kept of a module that it has read is good for as long as they stay as they
// are.
//
//go:embed code.go module.go reader.go separate.go sources.go write.go
var Sources embed.FS
