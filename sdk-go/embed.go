//go:build !wasip1

package sluice

import "embed"

// Source is this package, for projects that `sluice new` writes. Handlers do not hold it.
//
//go:embed *.go abi
var Source embed.FS
