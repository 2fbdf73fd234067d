// Package sdkrust holds the Rust SDK, for projects that `sluice new` writes.
package sdkrust

import "embed"

// Source is the crate.
//
//go:embed Cargo.toml src
var Source embed.FS
