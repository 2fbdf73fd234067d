package rewrite

import (
	"cmp"
	"math"
	"slices"

	"github.com/sluicehttp/sluice/engine/internal/wasm"
)

// tracker decides where a function marks what it writes. While the function is scanned it notes the writes, each with what
// is known of its address, and the blocks of the code; at the end it goes through the notes.
//
// A write needs no mark where its window, as it is seen from the same local, or its block, when the address is constant, was
// marked on every way that leads there. And what a loop does not set is marked before the loop.
type tracker struct {
	// operands has, for each value of the operand stack, where it came from.
	operands []origin
	// versions counts how often each of the first locals was set, in all functions: a number is never used twice for a local.
	versions [trackedLocals]uint32
	// globals counts how often a global may have been set.
	globals uint32
	// lost says that the code lies behind an unconditional jump, in the same block or in one around it. Such code may take from
	// the operand stack what is not there, so nobody knows the height of anything. It never runs.
	lost   bool
	notes  []note
	facts  []fact
	scopes []int // the open blocks, as indices of notes
}

// trackedLocals is how many locals are known one by one.
const trackedLocals = 256

// origin is where a value came from.
type origin struct {
	known known
	// arg is the local, the global or the constant, version that of the local or the global when the value was the same.
	arg, version uint32
	wide         bool // the value is the lower half of what it came from
}

type known uint8

const (
	knownNot known = iota
	knownLocal
	knownGlobal
	knownConstant
)

// note is something that matters to the marks of a function, in the order of its code.
type note struct {
	kind noteKind
	at   uint32 // where the instruction lies in the module
	// For a write: the address, the offset, the operands above the address and their number.
	origin origin
	offset uint32
	values []byte
	// For a loop: which locals are set in it.
	sets [trackedLocals / 64]uint64
	// For a block: what was noted first after a branch to its end, as an index of notes, or never. An if leads to its end or
	// its else from where it begins.
	left int
}

type noteKind uint8

const (
	noteWrite noteKind = iota
	noteBlock
	noteLoop
	noteElse
	noteEnd
)

const never = math.MaxInt

// fact is something that is known to be marked at a place.
type fact struct {
	origin origin
	window uint32 // how many windows behind the local; 0 for a constant, which is the number of a block
	depth  int    // in how many of the open blocks it is known
	made   int    // by which note
}

// maxFacts bounds what is remembered at a time, maxHoist out of how many loops a mark is moved: looking takes time.
const (
	maxFacts = 32
	maxHoist = 16
)

func (t *tracker) begin() { t.notes, t.operands, t.lost = t.notes[:0], t.operands[:0], false }

// operand notes where the value comes from that lies at a height of the operand stack.
func (t *tracker) operand(height int, o origin) {
	if t.lost {
		return
	}
	for len(t.operands) <= height {
		t.operands = append(t.operands, origin{})
	}
	if height >= 0 {
		t.operands[height] = o
	}
}

// forget is for values that come from nowhere in particular: so many below a height.
func (t *tracker) forget(height, count int) {
	for at := height - count; at < height; at++ {
		t.operand(at, origin{})
	}
}

func (t *tracker) local(local int64) origin {
	if local >= trackedLocals {
		return origin{}
	}
	return origin{known: knownLocal, arg: uint32(local), version: t.versions[local]}
}

func (t *tracker) set(local int64) {
	if local < trackedLocals {
		t.versions[local]++
	}
}

// wrap is for i32.wrap_i64, whose operand lies at a height of the operand stack.
func (t *tracker) wrap(height int) {
	if o := t.at(height); o.known == knownLocal {
		o.wide = true
		t.operand(height, o)
	} else {
		t.forget(height+1, 1)
	}
}

// at is where the value at a height of the operand stack came from.
func (t *tracker) at(height int) (o origin) {
	if height >= 0 && height < len(t.operands) {
		o = t.operands[height]
	}
	return o
}

// is reports whether what a value came from still has it.
func (t *tracker) is(o origin) bool {
	switch o.known {
	case knownLocal:
		return o.version == t.versions[o.arg]
	case knownGlobal:
		return o.version == t.globals
	}
	return true
}

// write notes an instruction that writes to the address that lies at a height of the operand stack.
func (t *tracker) write(i *wasm.Instruction, height int, offset uint32, values []byte) {
	if t.lost {
		return
	}
	n := note{kind: noteWrite, at: uint32(i.Start), offset: offset, values: values}
	if o := t.at(height); t.is(o) {
		n.origin = o
	}
	t.notes = append(t.notes, n)
}

// note notes an instruction for blocks, and gives its index.
func (t *tracker) note(i *wasm.Instruction) (index int) {
	index = len(t.notes)
	n := note{at: uint32(i.Start), left: never}
	switch i.Op {
	case wasm.OpLoop:
		n.kind = noteLoop
	case wasm.OpBlock:
		n.kind = noteBlock
	case wasm.OpIf:
		n.kind, n.left = noteBlock, index
	case wasm.OpElse:
		n.kind = noteElse
	default:
		n.kind = noteEnd
	}
	t.notes = append(t.notes, n)
	return index
}

// branch notes that code may leave a block for its end.
func (t *tracker) branch(block int) {
	n := &t.notes[block]
	n.left = min(n.left, len(t.notes))
}

// marks appends the marks of the function, for blocks of a size.
func (t *tracker) marks(list []mark, blocks Blocks) []mark {
	first, hoisted := len(list), false
	t.facts, t.scopes = t.facts[:0], t.scopes[:0]
	for at := range t.notes {
		switch n := &t.notes[at]; n.kind {
		case noteWrite:
			m, f := n.mark(blocks)
			if m.where != inOperand && t.known(f) {
				break
			}
			f.depth, f.made = len(t.scopes), at
			if loop := t.outermost(f.origin); loop >= 0 {
				f.depth, f.made, hoisted = loop, t.scopes[loop], true
				m.at = t.notes[f.made].at
			}
			list = append(list, m)
			t.learn(f)
		case noteLoop:
			t.enterLoop(n)
			t.scopes = append(t.scopes, at)
		case noteBlock:
			t.scopes = append(t.scopes, at)
		case noteElse:
			t.forgetSince(len(t.scopes), 0)
		case noteEnd:
			last := len(t.scopes) - 1
			t.forgetSince(last+1, t.notes[t.scopes[last]].left)
			t.scopes = t.scopes[:last]
		}
	}
	if hoisted {
		slices.SortStableFunc(list[first:], func(a, b mark) int { return cmp.Compare(a.at, b.at) })
	}
	return list
}

// mark is what a write would have to mark, and what would be known of it.
func (n *note) mark(blocks Blocks) (m mark, f fact) {
	m = mark{at: n.at, values: n.values}
	f.origin = n.origin
	switch n.origin.known {
	case knownLocal, knownGlobal:
		f.window = n.offset / window
		m.where, m.arg, m.add = inLocal, n.origin.arg, f.window*window
		if n.origin.known == knownGlobal {
			m.where = inGlobal
		} else if n.origin.wide {
			m.where = inWideLocal
		}
	case knownConstant:
		block := (uint64(n.origin.arg) + uint64(n.offset)) >> blocks
		f.origin.arg = uint32(block)
		m.where, m.arg = constant, uint32(block)
	default:
		m.where, m.add = inOperand, n.offset
	}
	return m, f
}

func (t *tracker) known(f fact) bool {
	return slices.ContainsFunc(t.facts, func(g fact) bool { return f.origin == g.origin && f.window == g.window })
}

func (t *tracker) learn(f fact) {
	if f.origin.known == knownNot {
		return
	}
	if len(t.facts) >= maxFacts {
		t.facts = slices.Delete(t.facts, 0, 1)
	}
	t.facts = append(t.facts, f)
}

// forgetSince forgets what is known in so many blocks alone, unless the innermost of them was not left before.
func (t *tracker) forgetSince(depth, left int) {
	t.facts = slices.DeleteFunc(t.facts, func(f fact) bool { return f.depth >= depth && f.made >= left })
	for i := range t.facts {
		t.facts[i].depth = min(t.facts[i].depth, depth-1)
	}
}

// enterLoop forgets what the loop may change: its head is reached from its branches, too.
func (t *tracker) enterLoop(loop *note) {
	t.facts = slices.DeleteFunc(t.facts, func(f fact) bool { return loop.changes(f.origin) })
}

// outermost is the outermost of the open loops that leave an address as it is, and lie in one another without another that
// does not, as an index of scopes, or -1.
func (t *tracker) outermost(o origin) int {
	found, loops := -1, 0
	if o.known == knownNot {
		return found
	}
	for at := len(t.scopes) - 1; at >= 0 && loops < maxHoist; at-- {
		n := &t.notes[t.scopes[at]]
		if n.kind != noteLoop {
			continue
		}
		if loops++; n.changes(o) {
			break
		}
		found = at
	}
	return found
}

func (n *note) changes(o origin) bool {
	return o.known == knownGlobal || o.known == knownLocal && n.sets[o.arg/64]>>(o.arg%64)&1 != 0
}
