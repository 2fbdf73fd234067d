package http1

// DefaultLimits are the bounds that apply unless a host sets others. What other servers use: start line 8 KiB (nginx,
// Apache), head 32 KiB (Node 16 KiB, nginx 32 KiB, Go 1 MiB), fields 128 (Apache 100), chunk line 4 KiB (Go).
var DefaultLimits = Limits{
	StartLine:     8 << 10,
	Head:          32 << 10,
	Fields:        128,
	ChunkLine:     4 << 10,
	Trailers:      8 << 10,
	TrailerFields: 32,
}
