package rewrite

import "github.com/sluicehttp/sluice/engine/internal/wasm"

// code is a sequence of instructions. Its methods append one or a few each.
type code []byte

func (c *code) op(op byte) *code {
	*c = append(*c, op)
	return c
}

// index appends an instruction that has an index.
func (c *code) index(op byte, index uint32) *code {
	*c = wasm.AppendU32(append(*c, op), index)
	return c
}

// wide appends an instruction with a prefix.
func (c *code) wide(op wasm.Op, immediates ...uint32) *code {
	*c = wasm.AppendU32(append(*c, wasm.OpPrefixMisc), uint32(op-wasm.Misc))
	for _, i := range immediates {
		*c = wasm.AppendU32(*c, i)
	}
	return c
}

func (c *code) const32(v int32) *code {
	*c = wasm.AppendSigned(append(*c, wasm.OpI32Const), int64(v))
	return c
}

func (c *code) const64(v int64) *code {
	*c = wasm.AppendSigned(append(*c, wasm.OpI64Const), v)
	return c
}

func (c *code) get(local uint32) *code      { return c.index(wasm.OpLocalGet, local) }
func (c *code) put(local uint32) *code      { return c.index(wasm.OpLocalSet, local) }
func (c *code) tee(local uint32) *code      { return c.index(wasm.OpLocalTee, local) }
func (c *code) global(global uint32) *code  { return c.index(wasm.OpGlobalGet, global) }
func (c *code) set(global uint32) *code     { return c.index(wasm.OpGlobalSet, global) }
func (c *code) call(function uint32) *code  { return c.index(wasm.OpCall, function) }
func (c *code) branch(depth uint32) *code   { return c.index(wasm.OpBr, depth) }
func (c *code) branchIf(depth uint32) *code { return c.index(wasm.OpBrIf, depth) }
func (c *code) when() *code                 { return c.op(wasm.OpIf).op(noResult) }
func (c *code) loop() *code                 { return c.op(wasm.OpLoop).op(noResult) }
func (c *code) end() *code                  { return c.op(wasm.OpEnd) }
func (c *code) block(blockType int64) *code {
	*c = wasm.AppendSigned(append(*c, wasm.OpBlock), blockType)
	return c
}

// noResult is the type of a block without results.
const noResult = 0x40

// charge takes a cost from the fuel, and ticks when there is none left. It leaves the stack as it is.
func (c *code) charge(budget, tick uint32, cost int64) *code {
	return c.spend(budget, cost).tickIfEmpty(budget, tick)
}

func (c *code) spend(budget uint32, cost int64) *code {
	return c.global(budget).const64(cost << 32).op(wasm.OpI64Sub).set(budget)
}

// chargeFor takes what is in a local of type i32, shifted left by so many bits, from the fuel.
func (c *code) chargeFor(budget, tick, local uint32, shift int64) *code {
	c.global(budget).get(local).op(wasm.OpI64ExtendU)
	if shift < 0 {
		c.const64(-shift).op(wasm.OpI64ShrU)
		shift = 0
	}
	c.const64(32 + shift).op(wasm.OpI64Shl).op(wasm.OpI64Sub).set(budget)
	return c.tickIfEmpty(budget, tick)
}

// tickIfEmpty has an arm for each way and not for one alone: the compiler keeps in registers what it has there at the end
// of the first.
func (c *code) tickIfEmpty(budget, tick uint32) *code {
	return c.global(budget).const64(0).op(wasm.OpI64GeS).when().op(wasm.OpElse).call(tick).end()
}
