package sandbox

import (
	"bytes"

	"github.com/sluicehttp/sluice/abi"
)

// image is the state of an instance that has been made ready and has not heard of a session yet: what each session of an
// isolated handler begins with.
type image struct {
	// memory is the content of the memory up to the last byte that is not zero.
	memory []byte
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
func (im *image) size() int64 { return int64(len(im.memory)) }

// memory is all of the memory, also what the guest does not know of.
func (i *instance) memory() []byte {
	memory := i.module.Memory()
	all, _ := memory.Read(0, memory.Size())
	return all
}

// takeImage copies the state of an instance.
func (i *instance) takeImage() *image {
	im := &image{
		memory:   bytes.Clone(bytes.TrimRight(i.memory(), "\x00")),
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
	if i.dirty.Get() != 0 || !restoreMemory(i.memory(), i.image.memory) {
		return false
	}
	i.restoreRest()
	return true
}

// adopt gives a new instance the state of an image that is portable. It reports whether there was memory enough.
func (i *instance) adopt(im *image) bool {
	have := i.module.Memory().Size() / pageSize
	if im.pages > have {
		if _, ok := i.module.Memory().Grow(im.pages - have); !ok {
			return false
		}
	}
	i.image = im
	restoreMemory(i.memory(), im.memory)
	i.restoreRest()
	return true
}

func (i *instance) restoreRest() {
	im := i.image
	for at, global := range i.globals {
		global.Set(im.globals[at])
	}
	i.pages.Set(uint64(im.pages))
	i.call.RestoreReceiveBuffer(im.buffer)
}

// maxTail is how much memory behind that of its image is cleared, in bytes. It is dearer to clear more than to make a new
// instance, and the memory may not be needed again.
const maxTail = 8 << 20

// block is how much is compared at a time, in bytes: what did not change is not written.
const block = 4 << 10

var zeros [block]byte

// restoreMemory makes a memory hold an image and zeros behind it. It reports false, and has done nothing, when the memory
// has grown beyond what it pays to clear.
func restoreMemory(memory, image []byte) bool {
	tail := memory[len(image):]
	if len(tail) > maxTail+len(image) {
		return false
	}
	for len(image) >= block {
		if !bytes.Equal(memory[:block], image[:block]) {
			copy(memory[:block], image)
		}
		memory, image = memory[block:], image[block:]
	}
	copy(memory, image)
	for len(tail) >= block {
		if !bytes.Equal(tail[:block], zeros[:]) {
			clear(tail[:block])
		}
		tail = tail[block:]
	}
	clear(tail)
	return true
}
