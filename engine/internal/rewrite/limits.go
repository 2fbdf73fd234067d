package rewrite

import "cmp"

// The limits that apply where [Options] has none.
const (
	DefaultMaxMemory       = 64 << 20
	DefaultMaxTableEntries = 1 << 17
	DefaultMaxTables       = 8
	DefaultMaxTypes        = 100_000
	DefaultMaxFunctions    = 200_000
	DefaultMaxGlobals      = 10_000
	DefaultMaxExports      = 20_000
	DefaultMaxSegments     = 200_000
	DefaultMaxParams       = 128
	DefaultMaxBodySize     = 256 << 10
	DefaultMaxBlocks       = 20_000
	DefaultMaxBodyBlocks   = 6_000_000
	DefaultMaxFrame        = 1 << 20
	DefaultMaxNesting      = 2_000
	DefaultMaxBranches     = 20_000
)

// Options bound what a module may ask for. A field that is zero stands for its default.
type Options struct {
	// MaxMemory is how large the memory may become, in bytes. A module whose memory begins with more is refused.
	MaxMemory uint64
	// MaxTableEntries is how large each table may become, in entries of 8 bytes of the Go heap. A module with a table that
	// begins with more is refused.
	MaxTableEntries uint32
	// MaxTables bounds the number of tables, MaxTypes that of types and so on. MaxSegments is for data segments and
	// element segments each.
	MaxTables, MaxTypes, MaxFunctions, MaxGlobals, MaxExports, MaxSegments int
	// MaxParams bounds the parameters, and the results, of a type.
	MaxParams int

	// The compiler takes more than linear time and memory for some functions. The defaults keep it below some ten seconds
	// and a gigabyte for each; of the functions in use the largest come to a fifth of them.

	// MaxBodySize bounds the size of a function, in bytes.
	MaxBodySize int
	// MaxBlocks bounds the number of a function's blocks, as the compiler sees them: what lies between branches and labels,
	// those of what is built in included. The compiler's time grows with its square.
	MaxBlocks int
	// MaxBodyBlocks bounds that number times the one of the locals: a value for each local may come together at each block.
	MaxBodyBlocks int
	// MaxFrame bounds the weight of a function's stack frame, in bytes.
	MaxFrame uint32
	// MaxNesting bounds how deeply blocks lie in one another.
	MaxNesting int
	// MaxBranches bounds the entries of all the br_table instructions of a function.
	MaxBranches int
}

func (o Options) withDefaults() Options {
	o.MaxMemory = cmp.Or(o.MaxMemory, DefaultMaxMemory)
	o.MaxTableEntries = cmp.Or(o.MaxTableEntries, DefaultMaxTableEntries)
	o.MaxTables = cmp.Or(o.MaxTables, DefaultMaxTables)
	o.MaxTypes = cmp.Or(o.MaxTypes, DefaultMaxTypes)
	o.MaxFunctions = cmp.Or(o.MaxFunctions, DefaultMaxFunctions)
	o.MaxGlobals = cmp.Or(o.MaxGlobals, DefaultMaxGlobals)
	o.MaxExports = cmp.Or(o.MaxExports, DefaultMaxExports)
	o.MaxSegments = cmp.Or(o.MaxSegments, DefaultMaxSegments)
	o.MaxParams = cmp.Or(o.MaxParams, DefaultMaxParams)
	o.MaxBodySize = cmp.Or(o.MaxBodySize, DefaultMaxBodySize)
	o.MaxBlocks = cmp.Or(o.MaxBlocks, DefaultMaxBlocks)
	o.MaxFrame = cmp.Or(o.MaxFrame, DefaultMaxFrame)
	o.MaxBodyBlocks = cmp.Or(o.MaxBodyBlocks, DefaultMaxBodyBlocks)
	o.MaxNesting = cmp.Or(o.MaxNesting, DefaultMaxNesting)
	o.MaxBranches = cmp.Or(o.MaxBranches, DefaultMaxBranches)
	return o
}
