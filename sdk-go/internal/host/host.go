// Package host is where the SDK meets the sandbox's wall: what a handler exports and imports, and the memory in which the
// host leaves what it says. Compiled to WebAssembly the host is a real one; otherwise it is whatever a test has put into
// [Stand].
//
// What crosses the wall are slices and strings on this side of it; package abi has the addresses.
package host

import (
	"unsafe"

	"github.com/sluicehttp/sluice/sdk-go/abi"
)

// Field is a field on its way to the host.
type Field struct{ Name, Value string }

// roomSize is how much room there is for payloads before a larger one is asked for, in bytes: a head of 32 KiB, the engine's
// default limit, and as much again for a piece of body.
const roomSize = 64 << 10

// Desk is what an event writes to, side by side, because the host makes an instance clean block by block: the fields that are
// sent, and what was received. Words make the room aligned to 8.
type Desk struct {
	sending [16]abi.Field
	room    [roomSize / 8]uint64
}

// Sending is where fields are written for the host, room where the host writes payloads.
var (
	Sending []abi.Field
	room    []byte
)

// Use has a desk be used, whatever is beside it. To be called before all else.
func Use(desk *Desk) { Sending, room = desk.sending[:], bytesOf(desk.room[:]) }

// bytesOf is a view of words.
func bytesOf(words []uint64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), 8*len(words))
}

// Room is the room, made to hold at least size bytes. What was in it is lost when it grows.
func Room(size uint32) []byte {
	if uint64(size) > uint64(len(room)) {
		room = bytesOf(make([]uint64, (uint64(size)+7)/8))
	}
	return room
}

// Memory is the room, and the address of its first byte.
func Memory() (text []byte, base uint32) { return room, Base(room) }

// At is what the host has written to the room. It is borrowed as the payload is which names it.
func At(b abi.Bytes) []byte {
	if b.Len == 0 {
		return nil
	}
	offset := b.Ptr - Base(room)
	return room[offset : offset+b.Len : offset+b.Len]
}

// Table is a list of fields that the host has written to the room; [At] finds what they name.
func Table(list abi.Fields) []abi.Field {
	if list.Len == 0 {
		return nil
	}
	table := At(abi.Bytes{Ptr: list.Ptr, Len: list.Len * abi.FieldSize})
	return unsafe.Slice((*abi.Field)(unsafe.Pointer(unsafe.SliceData(table))), list.Len)
}
