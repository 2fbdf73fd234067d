package rewrite

import "fmt"

// How code pays.
//
// A function is a graph of instructions. Loops aside it has no cycles: branches go forward, to the end of a block. A
// charge stands at some of its places and pays for what can run from there up to the next charges, along the dearest
// path. So nothing runs unpaid, and a path without charges on it costs nothing.
//
// Charges stand where they must, which is at each branch back to a loop's head: it pays for the way from the head to the
// next charges. They stand where what they would pay exceeds mostCost. And they stand at the beginning of an arm that
// is dearer than the other by mostUnequal or more, which then pays for itself. Smaller bounds make more charges, larger
// ones make code pay for what it does not run: the host is called too often then.
//
// A function pays for its first stretch when it is entered. It does not when that is cheap: then its callers pay.
//
// The stack is counted where it must be, so that every chain of calls without end counts: by functions that are found
// among their own callees, by those that call_indirect may reach and that may come to a call_indirect themselves, and by
// those that would leave too much uncounted. Such a function counts its frame together with the deepest chain of calls
// that do not count. It does so in the subtraction that pays.
const (
	mostCost    = 300
	mostUnequal = 100
	// mostInlined is the most that a caller pays for a function that it calls, mostIndirect what it pays in a
	// call_indirect, where the function may be any that a table can hold.
	mostInlined  = 100
	mostIndirect = 30
	// mostUncounted is how much of the stack functions may take that do not count it, a chain of calls all together: bytes.
	mostUncounted = 1 << 10
)

// density is how densely charges stand.
type density struct {
	cost, unequal, inlined uint32
	unmarked               bool // for measuring: what is written is not marked
}

var usual = density{cost: mostCost, unequal: mostUnequal, inlined: mostInlined}

// state is how far charge has come with a function.
type state uint8

const (
	stateNew    state = iota
	stateOpen         // its callees are being looked at
	stateClosed       // all is decided
)

// charge decides where each function pays. It looks at callees before their callers.
func (r *rewriter) charge() error {
	c := charger{rewriter: r}
	for i := range r.functions {
		c.visit(i)
	}
	for i := range r.functions {
		f := &r.functions[i]
		if f.counts {
			r.module.LargestFrame = max(r.module.LargestFrame, f.stack)
		}
		if f.blocks += chargeBlocks * r.countCharges(f); f.blocks > r.limits.MaxBlocks {
			return fmt.Errorf("function %d: %w", r.ImportedFunctions+i,
				tooMany("blocks with those that charge", f.blocks, r.limits.MaxBlocks))
		}
	}
	return nil
}

// chargeBlocks is how many blocks the compiler makes of a charge.
const chargeBlocks = 3

func (r *rewriter) countCharges(f *function) (count int) {
	for i := f.first; i < f.last; i++ {
		e := &r.events[i]
		for _, charge := range [...]uint32{e.before, e.after, e.back} {
			if charge > 0 {
				count++
			}
		}
	}
	return count
}

// charger looks at functions, and at the events of each from the last to the first.
type charger struct {
	*rewriter
	open []visit // the functions whose callees are being looked at, each called by the one before
	// What is known of the frames of a function.
	ends   []uint32 // what the code costs after a block's end
	elses  []uint32 // what the code costs after an else, or none
	backs  []int    // for a loop: the last charge that must pay for the way from its head, as an index into owed, or none
	owed   []owed
	onward uint32 // what the code costs after the event that is looked at
}

type visit struct {
	function int
	event    int // the next that may be a call
}

// owed is a branch to a loop whose cost is not known yet.
type owed struct {
	event int
	base  uint32 // what it pays besides
	next  int    // for the same loop
}

const none = -1

// visit looks at a function after the functions that it calls. A function that is found among its own callees pays and
// counts whatever its size, so that no recursion is for nothing.
func (c *charger) visit(root int) {
	if c.functions[root].state != stateNew {
		return
	}
	c.enter(root)
	for len(c.open) > 0 {
		top := &c.open[len(c.open)-1]
		if callee, found := c.nextCallee(top); found {
			switch f := &c.functions[callee]; f.state {
			case stateNew:
				c.enter(callee)
			case stateOpen:
				f.pays, f.counts = true, true
			}
			continue
		}
		c.function(&c.functions[top.function], c.indirect[c.ImportedFunctions+top.function])
		c.functions[top.function].state = stateClosed
		c.open = c.open[:len(c.open)-1]
	}
}

func (c *charger) enter(function int) {
	c.functions[function].state = stateOpen
	c.open = append(c.open, visit{function, c.functions[function].first})
}

func (c *charger) nextCallee(v *visit) (callee int, found bool) {
	for ; v.event < c.functions[v.function].last; v.event++ {
		if e := &c.events[v.event]; e.kind == kindCall && !c.imported(e.arg) {
			v.event++
			return int(e.arg) - c.ImportedFunctions, true
		}
	}
	return 0, false
}

// function decides where one function pays, and whether it counts its frame.
func (c *charger) function(f *function, indirect bool) {
	c.begin(f.frames)
	for i := f.last - 1; i >= f.first; i-- {
		c.event(i)
	}
	f.entry = c.onward
	limit := c.density.inlined
	if indirect {
		limit = min(limit, mostIndirect)
	}
	c.count(f, indirect)
	f.pays = f.pays || f.counts || f.entry > limit
}

// count decides whether a function counts its frame.
func (c *charger) count(f *function, indirect bool) {
	deepest := uint32(0)
	f.opens = f.callsIndirect
	for i := f.first; i < f.last; i++ {
		if e := &c.events[i]; e.kind == kindCall && !c.imported(e.arg) {
			callee := &c.functions[int(e.arg)-c.ImportedFunctions]
			f.opens = f.opens || callee.opens || callee.counts
			if !callee.counts {
				deepest = max(deepest, callee.stack)
			}
		}
	}
	f.stack = f.frame + deepest
	f.counts = f.counts || indirect && f.opens || f.stack > mostUncounted
}

func (c *charger) begin(frames int) {
	c.ends, c.elses, c.backs = grown(c.ends, frames), grown(c.elses, frames), grown(c.backs, frames)
	c.owed = c.owed[:0]
	c.onward = 0
	c.ends[frameExit] = 0
	for i := range c.backs {
		c.backs[i] = none
	}
}

func grown[T any](s []T, n int) []T {
	if n <= cap(s) {
		return s[:n]
	}
	return make([]T, n+n/2)
}

// event looks at one event, with onward what the code costs after it, and leaves onward at what the code costs after the
// event before.
func (c *charger) event(i int) {
	e := &c.events[i]
	switch e.kind {
	case kindEnd:
		if c.onward > c.density.cost {
			c.payAfter(e)
		}
		c.ends[e.arg], c.elses[e.arg] = c.onward, unset
	case kindElse:
		c.elses[e.arg] = c.onward
		c.onward = c.ends[e.arg]
	case kindIf:
		other := c.elses[e.arg]
		if other == unset {
			other = c.ends[e.arg]
		}
		c.arms(e, other)
	case kindLoop:
		c.loop(e)
	case kindBack:
		c.onward = e.weight
		c.owe(i, e.arg, 0)
	case kindBackIf:
		c.onward += e.weight
		c.owe(i, e.arg, 0)
	case kindBr:
		c.onward = e.weight + c.ends[e.arg]
	case kindBrIf, kindBrTable:
		c.branch(i)
	case kindReturn, kindFinish:
		c.onward = e.weight
	case kindCall:
		c.onward += e.weight
		if !c.imported(e.arg) {
			if callee := &c.functions[int(e.arg)-c.ImportedFunctions]; callee.state == stateClosed && !callee.pays {
				c.onward += callee.entry
			}
		}
	default:
		c.onward += e.weight
	}
	if c.onward > c.density.cost {
		e.before, c.onward = c.onward, 0
	}
	c.onward += e.cost
}

// unset stands for the cost of an arm that is not there.
const unset = 1<<32 - 1

// arms is for an instruction that goes on or goes where the code costs other.
func (c *charger) arms(e *event, other uint32) {
	if c.onward > other+c.density.unequal && !e.leaves {
		c.payAfter(e)
	}
	c.onward = e.weight + max(c.onward, other)
}

func (c *charger) payAfter(e *event) { e.after, c.onward = c.onward, 0 }

// loop is for the head of a loop. What branches back to it owe is known now.
func (c *charger) loop(e *event) {
	for at := c.backs[e.arg]; at != none; at = c.owed[at].next {
		switch branch := &c.events[c.owed[at].event]; branch.kind {
		case kindBack, kindBackIf:
			branch.back = c.onward
		default:
			branch.before = max(branch.before, c.owed[at].base+c.onward)
		}
	}
}

// branch is for br_if and br_table. When they may go back to a loop, they pay in advance for wherever they go.
func (c *charger) branch(i int) {
	e := &c.events[i]
	targets := []uint32{e.arg}
	if e.kind == kindBrTable {
		targets = c.targets(e)
		c.onward = 0 // nothing runs on
	}
	farthest, back := uint32(0), false
	for _, frame := range targets {
		if frame&toLoop != 0 {
			back = true
		} else {
			farthest = max(farthest, c.ends[frame])
		}
	}
	if !back {
		c.arms(e, farthest)
		return
	}
	e.before = e.weight + max(c.onward, farthest)
	for _, frame := range targets {
		if frame&toLoop != 0 {
			c.owe(i, frame, e.weight)
		}
	}
	c.onward = 0
}

// owe has an event pay for what follows the head of the loop that it goes to.
func (c *charger) owe(i int, frame, base uint32) {
	frame &^= toLoop
	c.owed = append(c.owed, owed{event: i, base: base, next: c.backs[frame]})
	c.backs[frame] = len(c.owed) - 1
}

// targets are the frames that a br_table goes to.
func (c *charger) targets(e *event) []uint32 {
	return c.labels[e.arg+1:][:c.labels[e.arg]]
}
