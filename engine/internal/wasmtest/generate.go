package wasmtest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
)

// HostModule is the name that modules of [Generate] import functions from.
const HostModule = "host"

// GeneratedPages is the size in pages that no memory of [Generate] goes beyond if it has a maximum. Those without one go
// as far as whoever runs them lets them.
const GeneratedPages = 6

// GeneratedEntries is the size that no table of [Generate] goes beyond.
const GeneratedEntries = 20_000

// Program is a module with what to call in it.
type Program struct {
	Wasm []byte
	// Imports are the functions of HostModule that it imports, in order. Their types are numbers and externref.
	Imports []Function
	// Exports are its own functions: "f0" and so on. The memory, if there is one, is exported as "memory".
	Exports []Function
	// Globals are all its globals, exported as "g0" and so on.
	Globals []Variable
	// Tables are the types of its tables. What they hold is told by the functions "size0" () -> (i32) and "null0"
	// (i32) -> (i32), and for tables of externref "entry0" (i32) -> (externref).
	Tables []ValueType
	// Memory is set when the module has one, and "pages" () -> (i32) tells its size.
	Memory bool
	// Calls are what to call one after the other. The function "refuel" (i32) -> () among them says how many calls most
	// functions of the module may make before they return at once.
	Calls []Invocation
}

// Function is a function by name.
type Function struct {
	Name string
	Signature
}

// Variable is a global. Where its type is v128, "lanes" and its number name a function () -> (v128), because wazero shows
// the lower half alone.
type Variable struct {
	Type    ValueType
	Mutable bool
}

// Invocation is a call with arguments: two words for a v128, the lower half first, and one for everything else. References
// to functions are null.
type Invocation struct {
	Function Function
	Args     []uint64
}

// Generate makes a valid module of any bytes, and calls to it. The same bytes give the same program, and small changes
// tend to give similar ones. Bytes that come after the program is complete are not looked at, and those that are missing
// are taken for zeros.
//
// The functions compute with all types, call each other directly and through tables, grow and move memory and tables,
// jump in all ways that the language has, and trap sometimes. Most of them end soon. Some never do.
func Generate(input []byte) *Program {
	g := &generator{source: source{rest: input}}
	g.imports()
	g.declare()
	g.memory()
	g.tables()
	g.globals()
	g.segments()
	g.bodies()
	g.probes()
	g.calls()
	g.program.Wasm = g.module.Encode()
	return &g.program
}

// source gives decisions out of bytes.
type source struct {
	rest []byte
}

func (s *source) byte() byte {
	if len(s.rest) == 0 {
		return 0
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return b
}

// below gives a number below n, which is at most 65536.
func (s *source) below(n int) int {
	switch {
	case n <= 1:
		return 0
	case n <= 256:
		return int(s.byte()) % n
	}
	return (int(s.byte())<<8 | int(s.byte())) % n
}

// one is true once in n times, and never when the bytes have come to their end.
func (s *source) one(n int) bool { return s.below(n) == n-1 }

func (s *source) word() uint64 {
	var word [8]byte
	for i := range word {
		word[i] = s.byte()
	}
	return binary.LittleEndian.Uint64(word[:])
}

// bits gives the bits of a number: small ones, those at borders, and any.
func (s *source) bits() uint64 {
	borders := []uint64{0, 1, 2, 0xff, 0xffff, 0x1_0000, 0x1_0001, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
		0x7fff_ffff_ffff_ffff, 0x8000_0000_0000_0000, 0xffff_ffff_ffff_ffff,
		0x7fc0_0000, 0x7f80_0000, 0x3f80_0000, 0xcf00_0000, // f32: NaN, infinity, 1, -2^31
		0x7ff8_0000_0000_0000, 0x7ff0_0000_0000_0000, 0x3ff0_0000_0000_0000, 0xc1e0_0000_0000_0000} // f64: the same
	switch s.below(8) {
	case 1:
		return borders[s.below(len(borders))]
	case 2:
		return s.word()
	}
	return uint64(s.byte())
}

// generator makes one program.
type generator struct {
	source
	program   Program
	module    Module
	functions []callee // all functions, imported ones first
	tableMin  []int
	elements  []ValueType // the types of the element segments
	data      int         // the number of data segments
	memoryMin int         // in pages
	start     bool        // the last function is the start function
}

// callee is a function as its callers see it.
type callee struct {
	signature Signature
	typeIndex uint32
}

var (
	hostTypes = []ValueType{I32, I64, F32, F64, ExternRef}
	allTypes  = []ValueType{I32, I64, F32, F64, V128, FuncRef, ExternRef, I32, I64, I32}
)

func (g *generator) typesAmong(choice []ValueType, most int) (out []ValueType) {
	for range g.below(most + 1) {
		out = append(out, choice[g.below(len(choice))])
	}
	return out
}

func (g *generator) imports() {
	for i := range g.below(4) {
		f := Function{fmt.Sprint("h", i), Signature{g.typesAmong(hostTypes, 3), g.typesAmong(hostTypes, 2)}}
		g.program.Imports = append(g.program.Imports, f)
		g.functions = append(g.functions, callee{f.Signature, g.module.Type(f.Signature)})
		g.module.ImportItem(HostModule, f.Name, KindFunc, U32(g.functions[i].typeIndex))
		g.module.functionCount++
	}
}

// declare decides on the functions, and where their bodies will find each other.
func (g *generator) declare() {
	for i := range 1 + g.below(6) {
		f := Function{fmt.Sprint("f", i), Signature{g.typesAmong(allTypes, 4), g.typesAmong(allTypes, 3)}}
		g.program.Exports = append(g.program.Exports, f)
		g.function(f.Signature)
		g.module.Export(f.Name, KindFunc, uint32(len(g.functions)-1))
	}
	if g.one(4) {
		g.start = true
		g.function(Signature{})
		g.module.Start(uint32(len(g.functions) - 1))
	}
}

func (g *generator) function(s Signature) {
	typeIndex := g.module.Type(s)
	g.functions = append(g.functions, callee{s, typeIndex})
	g.module.Declare(typeIndex)
}

func (g *generator) memory() {
	if g.one(16) {
		return
	}
	g.program.Memory = true
	g.memoryMin = (g.below(5) + 1) % 5
	limits := AtLeast(uint32(g.memoryMin))
	if g.one(2) {
		limits = Between(limits.Min, limits.Min+uint32(g.below(GeneratedPages-g.memoryMin+1)))
	}
	g.module.Memory(limits)
}

func (g *generator) tables() {
	for range g.below(4) {
		t := []ValueType{FuncRef, ExternRef, FuncRef}[g.below(3)]
		least := (g.below(9) + 4) % 9
		if g.one(16) {
			least = 9_000
		}
		most := least + g.below(9)
		if g.one(8) {
			most = GeneratedEntries
		}
		g.program.Tables = append(g.program.Tables, t)
		g.tableMin = append(g.tableMin, least)
		g.module.TableOf(t, Between(uint32(least), uint32(most)))
	}
}

// The globals that every module has: guard counts how many calls may still be made, and every value that is computed and
// used no more goes into digest, so that it makes a difference.
const (
	guard  = 0
	digest = 1
)

func (g *generator) globals() {
	g.global(Variable{I32, true}, Const(int32(8+g.below(64))))
	g.global(Variable{I64, true}, Code{opConst64, 0})
	for range g.below(7) {
		v := Variable{allTypes[g.below(len(allTypes))], !g.one(4)}
		g.global(v, g.constant(v.Type))
	}
}

func (g *generator) global(v Variable, value Code) {
	index := g.module.GlobalOf(v.Type, v.Mutable, value)
	g.module.Export(fmt.Sprint("g", index), KindGlobal, index)
	g.program.Globals = append(g.program.Globals, v)
}

// constant is an expression for a value of a type that is fit for globals too.
func (g *generator) constant(t ValueType) Code {
	switch t {
	case I32:
		return Const(int32(g.bits()))
	case I64:
		return append(Code{opConst64}, S64(int64(g.bits()))...)
	case F32:
		return binary.LittleEndian.AppendUint32(Code{opConstF32}, uint32(g.bits()))
	case F64:
		return binary.LittleEndian.AppendUint64(Code{opConstF64}, g.bits())
	case V128:
		low, high := g.bits(), g.bits()
		code := append(Code{prefixVector}, U32(vectorConst)...)
		return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(code, low), high)
	case FuncRef:
		if !g.one(4) {
			return append(Code{opRefFunc}, U32(uint32(g.below(len(g.functions))))...)
		}
	}
	return Code{opRefNull, t}
}

// segments fills memory and tables, and keeps something for later. What does not fit makes instantiation fail, so little
// does not.
func (g *generator) segments() {
	// Every function may be referred to.
	g.elementSegment(FuncRef, g.declarative())
	for range g.below(6) {
		g.segment(g.below(4)%3, g.below(len(g.program.Tables)+1), g.below(9))
	}
	for i := range g.program.Tables {
		if !g.one(4) {
			g.segment(0, i, 20)
		}
	}
	if !g.program.Memory {
		return
	}
	for range g.below(3) {
		content := bytes.Repeat([]byte{g.byte(), g.byte(), 3}, 1+g.below(40))
		if g.one(8) {
			content = bytes.Repeat(content, 70_000/len(content)+1)
		}
		g.data++
		if fits := 1<<16*g.memoryMin - len(content); g.one(2) && fits > 0 {
			g.module.Data(int32(g.below(fits)), content)
		} else {
			g.module.PassiveData(content)
		}
	}
	g.module.CountData()
}

func (g *generator) elementSegment(t ValueType, item []byte) {
	g.elements = append(g.elements, t)
	g.module.RawElements(item)
}

// declarative is a segment that only declares references (WebAssembly 2.0 section 5.5.12).
func (g *generator) declarative() []byte {
	item := slices.Concat([]byte{3, 0}, U32(uint32(len(g.functions))))
	for i := range g.functions {
		item = append(item, U32(uint32(i))...)
	}
	return item
}

// segment adds a segment that is active, passive or declarative, as indices of functions or as expressions.
func (g *generator) segment(mode, table, length int) {
	expressions, t := g.one(2), FuncRef
	if table == len(g.program.Tables) {
		mode = max(mode, 1)
	}
	if mode == 0 {
		length = min(length, g.tableMin[table])
		t = g.program.Tables[table]
		expressions = expressions || t == ExternRef
	} else if expressions && g.one(3) {
		t = ExternRef
	}
	flags := byte(0)
	var item []byte
	switch mode {
	case 0:
		flags = 2
		item = slices.Concat(U32(uint32(table)), Const(int32(g.below(g.tableMin[table]-length+1))), Code{opEnd})
	case 1:
		flags = 1
	case 2:
		flags = 3
	}
	kind := byte(0)
	if expressions {
		flags |= 4
		kind = t
	}
	item = slices.Concat([]byte{flags}, item, []byte{kind}, U32(uint32(length)))
	for range length {
		if !expressions {
			item = append(item, U32(uint32(g.below(len(g.functions))))...)
			continue
		}
		item = slices.Concat(item, g.constant(t), Code{opEnd})
	}
	g.elementSegment(t, item)
}

func (g *generator) bodies() {
	// No more of the bytes for one body than for the others, or the last ones would be empty.
	all := g.source
	own := len(g.functions) - len(g.program.Imports)
	for i, f := range g.functions[len(g.program.Imports):] {
		share := all.rest[i*len(all.rest)/(own+1) : (i+1)*len(all.rest)/(own+1)]
		g.source = source{rest: share}
		g.module.Body(generateBody(g, f.signature))
	}
	g.source = source{rest: all.rest[own*len(all.rest)/(own+1):]}
}

// probes are functions that show what cannot be exported.
func (g *generator) probes() {
	probe := func(name string, s Signature, code Code) {
		g.module.Export(name, KindFunc, g.module.Func(s, 0, code))
	}
	toI32 := Signature{Results: []ValueType{I32}}
	probe("refuel", Signature{Params: []ValueType{I32}}, SetGlobal(guard, Get(0)))
	if g.program.Memory {
		probe("pages", toI32, Code{opMemorySize, 0})
	}
	for i, t := range g.program.Tables {
		entry := slices.Concat(Get(0), Code{opTableGet}, U32(uint32(i)))
		probe(fmt.Sprint("size", i), toI32, append(Code{prefixMisc, miscTableSize}, U32(uint32(i))...))
		probe(fmt.Sprint("null", i), Signature{[]ValueType{I32}, []ValueType{I32}}, append(slices.Clone(entry), opRefIsNull))
		if t == ExternRef {
			probe(fmt.Sprint("entry", i), Signature{[]ValueType{I32}, []ValueType{t}}, entry)
		}
	}
	for i, v := range g.program.Globals {
		if v.Type == V128 {
			probe(fmt.Sprint("lanes", i), Signature{nil, []ValueType{V128}}, GetGlobal(uint32(i)))
		}
	}
}

func (g *generator) calls() {
	refuel := Function{"refuel", Signature{Params: []ValueType{I32}}}
	for range 1 + g.below(5) {
		f := g.program.Exports[g.below(len(g.program.Exports))]
		call := Invocation{Function: f}
		for _, t := range f.Params {
			switch t {
			case V128:
				call.Args = append(call.Args, g.bits(), g.bits())
			case FuncRef:
				call.Args = append(call.Args, 0)
			case I32, F32:
				call.Args = append(call.Args, uint64(uint32(g.bits())))
			default:
				call.Args = append(call.Args, g.bits())
			}
		}
		g.program.Calls = append(g.program.Calls, Invocation{refuel, []uint64{uint64(g.byte())}}, call)
	}
}
