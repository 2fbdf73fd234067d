package wasmtest

import (
	"errors"
	"fmt"
	"slices"
)

// CountExport is the mutable i64 in which a module of [Counted] counts.
const CountExport = "wasmtest:count"

// CountedStart is the start function of a module of [Counted], which is exported instead of run by instantiation, so that
// there is a count to look at however it ends.
const CountedStart = "wasmtest:start"

// BytesPerInstruction is how many bytes of a bulk memory instruction [Counted] takes for the work of one instruction.
const BytesPerInstruction = 16

// Counted builds a count of executed instructions into a valid module. It knows nothing of how anybody else counts, so
// that it can judge: every instruction that runs is one, but for nop, block and loop, which a compiler makes nothing of.
// One that moves many bytes or many entries of a table is BytesPerInstruction bytes or one entry each in addition, if it
// does. The count is exact but for a trap in the middle of instructions without a jump, all of which count when the first
// of them runs.
//
// The module traps as unreachable at the loop head or function entry that it comes to with a count above limit.
func Counted(wasm []byte, limit int64) ([]byte, error) {
	list, err := sections(wasm)
	if err != nil {
		return nil, err
	}
	c := counter{limit: limit}
	if err := c.survey(list); err != nil {
		return nil, err
	}
	out := []byte(Header)
	for _, id := range []byte{SectionGlobal, SectionExport} {
		list = withSection(list, id)
	}
	for _, s := range list {
		if s.id == SectionStart {
			continue
		}
		content, err := c.section(s)
		if err != nil {
			return nil, fmt.Errorf("section %d: %w", s.id, err)
		}
		out = append(out, Section(s.id, content)...)
	}
	return out, nil
}

// counter is what building the count in has to know of the module.
type counter struct {
	limit     int64
	params    []uint32 // for each type of a function: the number of its parameters
	functions []uint32 // for each function of the module itself: the index of its type
	global    uint32   // the index of the count
	start     []byte   // the index of the start function as it is encoded, if there is one
}

// survey reads what the sections before the code say.
func (c *counter) survey(list []rawSection) error {
	for _, s := range list {
		r := reader{rest: s.content}
		switch s.id {
		case SectionType:
			for n := r.u32(); n > 0 && r.err == nil; n-- {
				r.byte()
				params := r.u32()
				r.take(params)
				r.take(r.u32())
				c.params = append(c.params, params)
			}
		case SectionImport:
			for n := r.u32(); n > 0 && r.err == nil; n-- {
				c.global += r.importedGlobals()
			}
		case SectionFunction:
			for n := r.u32(); n > 0 && r.err == nil; n-- {
				c.functions = append(c.functions, r.u32())
			}
		case SectionGlobal:
			c.global += r.u32()
		case SectionStart:
			c.start = s.content
		}
		if r.err != nil {
			return r.err
		}
	}
	return nil
}

// importedGlobals passes over an import and returns 1 when it is a global, else 0.
func (r *reader) importedGlobals() uint32 {
	r.take(r.u32())
	r.take(r.u32())
	switch r.byte() {
	case KindFunc:
		r.leb()
	case KindTable:
		r.byte()
		r.limits()
	case KindMemory:
		r.limits()
	case KindGlobal:
		r.take(2)
		return 1
	}
	return 0
}

func (r *reader) limits() {
	flags := r.byte()
	r.leb()
	if flags&1 != 0 {
		r.leb()
	}
}

// withSection adds an empty section where the module has none.
func withSection(list []rawSection, id byte) []rawSection {
	at := len(list)
	for i, s := range list {
		if s.id == id {
			return list
		}
		if s.id != SectionCustom && s.id > id && at == len(list) {
			at = i
		}
	}
	return slices.Insert(list, at, rawSection{id, []byte{0}})
}

// section returns what becomes of a section.
func (c *counter) section(s rawSection) ([]byte, error) {
	r := reader{rest: s.content}
	switch s.id {
	case SectionGlobal:
		count := r.u32()
		return slices.Concat(U32(count+1), r.rest, []byte{I64, 1, opConst64, 0, opEnd}), r.err
	case SectionExport:
		count := r.u32() + 1
		added := slices.Concat(Name(CountExport), []byte{KindGlobal}, U32(c.global))
		if c.start != nil {
			count++
			added = slices.Concat(added, Name(CountedStart), []byte{KindFunc}, c.start)
		}
		return slices.Concat(U32(count), r.rest, added), r.err
	case SectionCode:
		count := r.u32()
		if int(count) != len(c.functions) {
			return nil, errors.New("functions and bodies differ in number")
		}
		out := U32(count)
		for _, typeIndex := range c.functions {
			if typeIndex >= uint32(len(c.params)) {
				return nil, errors.New("no such type")
			}
			body, err := c.body(r.take(r.u32()), c.params[typeIndex])
			if err = errors.Join(r.err, err); err != nil {
				return nil, err
			}
			out = append(out, vector(body)...)
		}
		return out, nil
	}
	return s.content, nil
}

// body builds the count into a function.
func (c *counter) body(body []byte, params uint32) ([]byte, error) {
	r := reader{rest: body}
	groups := r.u32()
	declared := r.rest
	scratch := params
	for range groups {
		scratch += r.u32()
		r.byte()
	}
	if r.err != nil {
		return nil, r.err
	}
	declared = declared[:len(declared)-len(r.rest)]
	out := slices.Concat(U32(groups+1), declared, []byte{2, I32}, c.check())
	for len(r.rest) > 0 && r.err == nil {
		out = c.run(out, &r, scratch)
	}
	return out, r.err
}

// run passes on instructions up to the first that may jump or be jumped to, with their count before them.
func (c *counter) run(out []byte, r *reader, scratch uint32) []byte {
	var code []byte
	var executed int64
	for len(r.rest) > 0 && r.err == nil {
		before := r.rest
		op, sub := r.instruction()
		if !slices.Contains([]byte{opNop, opBlock, opLoop, opElse, opEnd}, op) {
			executed++
		}
		instruction := before[:len(before)-len(r.rest)]
		if op == prefixMisc {
			instruction = c.bulk(sub, instruction, scratch)
		}
		code = append(code, instruction...)
		if op == opLoop {
			code = append(code, c.check()...)
		}
		if op <= opCallIndirect && op != opNop {
			break
		}
	}
	if executed > 0 {
		out = append(out, c.add(append(Code{opConst64}, S64(executed)...))...)
	}
	return append(out, code...)
}

// bulk adds to an instruction a count of what it has moved: the operand on top of the stack, unless it trapped or could not
// grow the table.
func (c *counter) bulk(sub uint32, instruction Code, scratch uint32) Code {
	moved := slices.Concat(Get(scratch), Code{opExtend64})
	switch sub {
	case miscMemoryInit, miscMemoryCopy, miscMemoryFill:
		// Divided by shifting: BytesPerInstruction is a power of two.
		moved = append(moved, opConst64, 4, opShiftRight64)
	case miscTableInit, miscTableCopy, miscTableFill:
	case miscTableGrow:
		instruction = slices.Concat(instruction, Code{opLocalTee}, U32(scratch+1))
		moved = slices.Concat(moved, Ne(Get(scratch+1), Const(-1)), Code{opExtend64, opMultiply64})
	default:
		return instruction
	}
	return slices.Concat(Code{opLocalTee}, U32(scratch), instruction, c.add(moved))
}

func (c *counter) add(n Code) Code {
	return slices.Concat(n, GetGlobal(c.global), Code{opAdd64, opGlobalSet}, U32(c.global))
}

// check traps when the count is above the limit.
func (c *counter) check() Code {
	return slices.Concat(GetGlobal(c.global), Code{opConst64}, S64(c.limit),
		Code{opGreater64, opIf, noResult, opUnreachable, opEnd})
}
