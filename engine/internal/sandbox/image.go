package sandbox

import (
	"bytes"
	"fmt"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/rewrite"
)

// image is the state of an instance that has been made ready and has not heard of a session yet: what each session of an
// isolated handler begins with.
type image struct {
	// memory is the content of the memory.
	memory content
	// pages is the size of the memory that the guest knows of.
	pages uint32
	// globals are the values of the mutable globals, in the order of the instance's.
	globals []uint64
	buffer  abi.ReceiveBuffer
	events  abi.Subscriptions
	// portable says that the state is in this image as a whole. Otherwise tables or segments were changed, and it fits only
	// the instance that it was taken of.
	portable bool
}

// size is what the image takes, in bytes.
func (im *image) size() int64 { return im.memory.size() }

// memory is all of the memory, also what the guest does not know of.
func (i *instance) memory() []byte {
	all, _ := i.linear.Read(0, i.linear.Size())
	return all
}

// takeImage copies the state of an instance.
func (i *instance) takeImage() *image {
	im := &image{
		memory:   contentOf(i.memory()),
		pages:    uint32(i.pages.Get()),
		buffer:   i.call.ReceiveBuffer(),
		events:   i.events,
		portable: i.dirty.Get() == 0,
	}
	for _, global := range i.globals {
		im.globals = append(im.globals, global.Get())
	}
	return im
}

// restore gives an instance the state of its image again. It reports whether it could: what was done to tables and
// segments cannot be undone.
func (i *instance) restore() bool {
	marks := rewrite.Marks(i.marks.Get())
	memory := i.memory()
	if i.dirty.Get() != 0 || !i.image.memory.restore(memory, i.call.Blocks(), marks|i.call.Marks()) {
		return false
	}
	payloads := i.call.Payloads()
	i.image.memory.put(memory, int(payloads.Begin), int(payloads.End))
	i.restoreGlobals()
	// To set a global costs as much as to make the memory of a small handler clean: what cannot have changed is left alone.
	if uint32(len(memory)/pageSize) != i.image.pages {
		i.pages.Set(uint64(i.image.pages))
	}
	if marks != 0 {
		i.marks.Set(0)
	}
	i.call.Unmark()
	i.check()
	return true
}

// adopt gives a new instance the state of an image that is portable. It reports whether there was memory enough.
func (i *instance) adopt(im *image) bool {
	if !i.growTo(im.pages) {
		return false
	}
	i.image = im
	im.memory.restore(i.memory(), i.call.Blocks(), rewrite.AllMarks)
	i.restoreGlobals()
	i.pages.Set(uint64(im.pages))
	i.unmark()
	return true
}

// growTo has the memory have so many pages at least. It reports whether it could.
func (i *instance) growTo(pages uint32) bool {
	have := i.linear.Size() / pageSize
	if pages <= have {
		return true
	}
	_, ok := i.linear.Grow(pages - have)
	return ok
}

// restoreGlobals restores what the guest has beside its memory.
func (i *instance) restoreGlobals() {
	for at, global := range i.globals {
		global.Set(i.image.globals[at])
	}
	i.call.RestoreReceiveBuffer(i.image.buffer)
}

// unmark forgets what was written.
func (i *instance) unmark() {
	i.marks.Set(0)
	i.call.Unmark()
}

// checkRestored has every restored memory compared with its image as a whole. Tests set it: the marks must have told all that
// was written.
var checkRestored bool

func (i *instance) check() {
	if !checkRestored {
		return
	}
	memory := i.memory()
	for at := 0; at < len(memory); at += block {
		want := zeros[:]
		if c := &i.image.memory; at/block < len(c.copies) && c.copies[at/block] != zero {
			want = c.bytes[c.copies[at/block]:]
		}
		if part := blockAt(memory, at); !bytes.Equal(part, want[:len(part)]) {
			panic(fmt.Sprintf("the block at %#x of a restored memory is not as in the image", at))
		}
	}
}
