package sandbox

import (
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/rewrite"
	"github.com/sluicehttp/sluice/engine/internal/wasm"
)

// A module in the cache was checked and rewritten by this program or another one. Both have to have done the same, so the
// keys of the cache are made of the code that does it, as it was when this program was built, and of what it is told.

// sources are the files of this package that decide what becomes of a module before it is compiled.
//
//go:embed check.go loader.go version.go
var sources embed.FS

// sourceSum is a hash of all that the rewritten module depends on.
func (l *Loader) sourceSum(module [sha256.Size]byte) [sha256.Size]byte {
	return sha256.Sum256(slices.Concat(l.version[:], module[:]))
}

// versionOf is a hash of what a rewritten module depends on besides the module.
func (l *Loader) versionOf() [sha256.Size]byte {
	// Maps are printed in the order of their keys.
	return sha256.Sum256(fmt.Appendf(nil, "%x %q %+v %+v", sourcesSum(), l.checker.importable, abi.HandlerExports, l.options()))
}

// sourcesSum is a hash of the code.
var sourcesSum = sync.OnceValue(func() [sha256.Size]byte {
	all := sha256.New()
	for _, files := range []embed.FS{wasm.Sources, rewrite.Sources, sources} {
		names, _ := fs.Glob(files, "*") // only a wrong pattern is an error
		for _, name := range names {
			content, _ := files.ReadFile(name) // it is there
			fmt.Fprintf(all, "%s %d\n%s", name, len(content), content)
		}
	}
	return [sha256.Size]byte(all.Sum(nil))
})

// options are what a module is rewritten with.
func (l *Loader) options() rewrite.Options {
	return rewrite.Options{MaxMemory: l.maxMemory, MaxTableEntries: maxTableEntries, MaxTables: maxTables}
}
