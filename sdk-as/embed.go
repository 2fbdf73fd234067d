// Package sdkas holds the AssemblyScript SDK, for projects that `sluice new` writes.
package sdkas

import "embed"

// Source are the modules that a handler imports, and package.json, which says for which compiler they are.
//
//go:embed assembly package.json
var Source embed.FS
