package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// module is what can be seen of a wasm module from outside. What is no function has its kind in place of a signature.
type module struct {
	imports []item
	exports []item
	pages   uint64 // of memory at the start, 64 KiB each
}

// item is something imported or exported. module is where an import comes from.
type item struct {
	module, name, signature string
}

// Numbers of the binary format (WebAssembly Core Specification, section 5).
const (
	sectionType     = 1
	sectionImport   = 2
	sectionFunction = 3
	sectionMemory   = 5
	sectionExport   = 7

	externFunc   = 0
	externTable  = 1
	externMemory = 2
	externGlobal = 3
)

var valueTypes = map[byte]string{
	0x7f: "i32", 0x7e: "i64", 0x7d: "f32", 0x7c: "f64", 0x7b: "v128", 0x70: "funcref", 0x6f: "externref",
}

// parse reads the sections that say what a module imports and exports.
func parse(wasm []byte) (m *module, err error) {
	defer func() {
		if e, ok := recover().(malformed); ok {
			m, err = nil, e
		}
	}()
	header := []byte("\x00asm\x01\x00\x00\x00")
	if !bytes.HasPrefix(wasm, header) {
		return nil, errors.New("not a wasm module of version 1")
	}
	m = &module{}
	var types, functions []string
	for r := (&reader{wasm[len(header):]}); len(r.rest) > 0; {
		id := r.byte()
		section := &reader{r.bytes(r.u32())}
		switch id {
		case sectionType:
			section.each(func() {
				if form := section.byte(); form != 0x60 {
					panic(malformed(fmt.Sprintf("type of form %#x", form)))
				}
				types = append(types, section.signature())
			})
		case sectionImport:
			section.each(func() {
				i := item{module: section.name(), name: section.name()}
				switch kind := section.byte(); kind {
				case externFunc:
					i.signature = at(types, section.u32())
					functions = append(functions, i.signature)
				case externTable:
					section.byte()
					section.limits()
					i.signature = "table"
				case externMemory:
					section.limits()
					i.signature = "memory"
				case externGlobal:
					section.bytes(2)
					i.signature = "global"
				default:
					panic(malformed(fmt.Sprintf("import of kind %d", kind)))
				}
				m.imports = append(m.imports, i)
			})
		case sectionFunction:
			section.each(func() { functions = append(functions, at(types, section.u32())) })
		case sectionMemory:
			section.each(func() { m.pages = section.limits() })
		case sectionExport:
			section.each(func() {
				e := item{name: section.name()}
				switch kind, index := section.byte(), section.u32(); kind {
				case externFunc:
					e.signature = at(functions, index)
				case externTable:
					e.signature = "table"
				case externMemory:
					e.signature = "memory"
				case externGlobal:
					e.signature = "global"
				default:
					panic(malformed(fmt.Sprintf("export of kind %d", kind)))
				}
				m.exports = append(m.exports, e)
			})
		}
	}
	return m, nil
}

// malformed is what is wrong with a module's bytes; reading panics with it.
type malformed string

func (m malformed) Error() string { return "malformed module: " + string(m) }

func at(list []string, i uint32) string {
	if int(i) >= len(list) {
		panic(malformed("index out of range"))
	}
	return list[i]
}

type reader struct{ rest []byte }

func (r *reader) bytes(n uint32) []byte {
	if uint64(n) > uint64(len(r.rest)) {
		panic(malformed("ends too early"))
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) byte() byte { return r.bytes(1)[0] }

func (r *reader) u64() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		panic(malformed("bad number"))
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) u32() uint32 {
	v := r.u64()
	if v > 1<<32-1 {
		panic(malformed("number out of range"))
	}
	return uint32(v)
}

func (r *reader) name() string { return string(r.bytes(r.u32())) }

// each calls f for every element of a vector.
func (r *reader) each(f func()) {
	for n := r.u32(); n > 0; n-- {
		f()
	}
}

// limits gives the minimum.
func (r *reader) limits() uint64 {
	flags := r.byte()
	lowest := r.u64()
	if flags&1 != 0 {
		r.u64()
	}
	return lowest
}

// signature reads a function type in the notation of the golden: "(i32 i64) -> (i32)".
func (r *reader) signature() string {
	params, results := r.types(), r.types()
	return "(" + strings.Join(params, " ") + ") -> (" + strings.Join(results, " ") + ")"
}

func (r *reader) types() []string {
	var names []string
	r.each(func() {
		b := r.byte()
		name, ok := valueTypes[b]
		if !ok {
			name = fmt.Sprintf("%#x", b)
		}
		names = append(names, name)
	})
	return names
}
