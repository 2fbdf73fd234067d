package wasmruntime

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"github.com/sluicehttp/sluice/engine/internal/wasm"
)

// What wazero does with a module whose machine code it finds is to decode and validate it, to hash it, and to keep a copy of
// its code, which it never looks at again. Most of the time that loading takes goes there. So it is given an outline: the
// module with functions that have nothing in them. Types, imports, tables, memories, globals, exports, segments and names are
// the module's own, so machine code, which was made of the whole module after it was validated, finds everything where it
// has to be.

// module is what is to be compiled: a module and its outline.
type module struct{ wasm, outline []byte }

// outlineMark is the name of the custom section that makes the outlines of different modules different: wazero keeps machine
// code by the hash of what it is given.
const outlineMark = "sluice:outline"

// outlined makes the outline of a module. That of one which cannot be decoded is the module itself: it is for the compiler to
// say what is wrong with it.
func outlined(binary []byte) module {
	m, err := wasm.Decode(binary)
	if err != nil {
		return module{binary, binary}
	}
	out := wasm.AppendHeader(nil)
	for _, s := range m.Sections {
		switch {
		case s.ID == wasm.SectionCode:
			out = wasm.AppendSection(out, s.ID, emptyBodies(len(m.Bodies)))
		case s.ID != wasm.SectionCustom || s.IsNames(binary):
			out = append(out, s.All.Of(binary)...)
		}
	}
	sum := sha256.Sum256(binary)
	return module{binary, wasm.AppendSection(out, wasm.SectionCustom, append(wasm.AppendName(nil, outlineMark), sum[:]...))}
}

// emptyBodies are so many functions that are valid with any type.
func emptyBodies(count int) []byte {
	out := wasm.AppendU32(nil, uint32(count))
	for range count {
		out = append(out, 3, 0, 0x00, 0x0b) // its size, no locals, unreachable, end
	}
	return out
}

// appendNotes puts an outline before the notes of its source: what is kept beside machine code.
func appendNotes(outline, notes []byte) []byte {
	return append(append(binary.AppendUvarint(nil, uint64(len(outline))), outline...), notes...)
}

// cutNotes takes them apart.
func cutNotes(kept []byte) (outline, notes []byte, err error) {
	size, n := binary.Uvarint(kept)
	if n <= 0 || size > uint64(len(kept)-n) {
		return nil, nil, errors.New("the notes beside it are cut short")
	}
	kept = kept[n:]
	return kept[:size], kept[size:], nil
}
