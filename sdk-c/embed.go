// Package sdkc holds the headers of the C SDK, for projects that `sluice new` writes.
package sdkc

import "embed"

// Source are the files that a handler is compiled with.
//
//go:embed *.h
var Source embed.FS
