// Package abi is the host's view of the binary interface: what lies in the memory of handlers and of the core, and which
// functions they import and export. Everything is generated from events.witx, the only source of names and numbers; run
// `go run ./abi/gen` after a change there. REFERENCE.md tells the same for authors of handlers.
//
// A record is a struct with Load and Store, which read and write its bytes in a slice of a module's memory, little-endian,
// without allocating. Addresses and lengths are numbers that the other side chose: check them before using them.
//
// Words in backquotes in the comments are names of events.witx.
package abi
