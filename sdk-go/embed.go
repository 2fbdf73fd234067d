//go:build !wasip1

package sluice

import "embed"

// Source is this SDK, for projects that `sluice new` writes. Handlers do not hold it.
//
//go:embed *
var Source embed.FS
