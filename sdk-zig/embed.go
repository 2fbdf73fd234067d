// Package sdkzig holds the Zig SDK, for projects that `sluice new` writes.
package sdkzig

import "embed"

// Source are the files that a handler is compiled with.
//
//go:embed *.zig
var Source embed.FS
