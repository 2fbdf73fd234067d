// Package examples holds the examples that `sluice new` begins projects with, so that there is one hello in each language.
package examples

import "embed"

// Source are files of examples, under their paths here.
//
//go:embed assemblyscript/hello/handler.ts
//go:embed c/hello/handler.c
//go:embed cpp/hello/handler.cpp
//go:embed go/hello/main.go
//go:embed js/hello/handler.js
//go:embed rust/hello/Cargo.toml rust/hello/.cargo/config.toml rust/hello/src
//go:embed zig/hello/handler.zig
var Source embed.FS
