package rewrite

import "embed"

// Sources are the files of this package. A module that was rewritten and kept is what [Rewrite] makes for as long as they,
// and those of package wasm, stay as they are.
//
//go:embed charge.go check.go code.go emit.go frames.go helpers.go limits.go marks.go names.go rewrite.go scan.go
//go:embed sections.go sources.go track.go weights.go
var Sources embed.FS
