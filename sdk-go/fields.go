package sluice

import (
	"unsafe"

	"github.com/sluicehttp/sluice/sdk-go/abi"
	"github.com/sluicehttp/sluice/sdk-go/internal/host"
)

// Field is a field that a handler sends.
type Field struct {
	// Name is a token (RFC 9110 section 5.1).
	Name string
	// Value has no control characters (RFC 9110 section 5.5). White space around it is not sent.
	Value string
}

// Fields are the fields of a section in the order in which they came, repeated names repeated. They are borrowed as the
// event is which tells them.
type Fields struct {
	table []abi.Field
	// The addresses in the table count from base, the address of the first byte of text.
	text []byte
	base uint32
}

// fieldsOf are fields that the host has written.
func fieldsOf(list abi.Fields) Fields {
	text, base := host.Memory()
	return Fields{table: host.Table(list), text: text, base: base}
}

// Len is the number of fields.
func (f *Fields) Len() int { return len(f.table) }

// At is the field with a number from 0 to Len()-1.
func (f *Fields) At(i int) (name, value []byte) {
	field := &f.table[i]
	return f.bytes(field.Name), f.bytes(field.Value)
}

// Get is the value of the first field of a name, whatever the case of its letters; nil when there is none.
func (f *Fields) Get(name string) []byte {
	if i := f.find(name, 0); i >= 0 {
		return f.bytes(f.table[i].Value)
	}
	return nil
}

// All goes through the fields in order.
func (f *Fields) All() func(yield func(name, value []byte) bool) {
	return func(yield func(name, value []byte) bool) {
		for i := range f.table {
			if !yield(f.At(i)) {
				return
			}
		}
	}
}

// find is the number of the first field of a name, from a number on, and -1 when there is none.
func (f *Fields) find(name string, from int) int {
	for i := from; i < len(f.table); i++ {
		if at := f.table[i].Name; int(at.Len) == len(name) && equalFold(f.bytes(at), name) {
			return i
		}
	}
	return -1
}

func (f *Fields) bytes(b abi.Bytes) []byte {
	if b.Len == 0 {
		return []byte{} // its address may be anything
	}
	offset := b.Ptr - f.base
	return f.text[offset : offset+b.Len : offset+b.Len]
}

// keep makes the fields outlast their event: it copies the payload that they are in.
func (f *Fields) keep(payload []byte) {
	if len(f.table) == 0 {
		*f = Fields{}
		return
	}
	copied := append([]byte(nil), payload...)
	offset := uintptr(unsafe.Pointer(unsafe.SliceData(f.table))) - uintptr(unsafe.Pointer(unsafe.SliceData(payload)))
	table := copied[offset:][:len(f.table)*abi.FieldSize]
	f.base += uint32(uintptr(unsafe.Pointer(unsafe.SliceData(payload))) - uintptr(unsafe.Pointer(unsafe.SliceData(f.text))))
	f.table = unsafe.Slice((*abi.Field)(unsafe.Pointer(unsafe.SliceData(table))), len(f.table))
	f.text = copied
}

// equalFold reports whether two names are the same but for the case of ASCII letters.
func equalFold[A, B ~string | ~[]byte](a A, b B) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if x, y := a[i], b[i]; x != y && (x|0x20 != y|0x20 || x|0x20 < 'a' || x|0x20 > 'z') {
			return false
		}
	}
	return true
}

// encoded are fields as package host takes them: its Field is laid out as ours.
func encoded(fields []Field) []host.Field {
	return unsafe.Slice((*host.Field)(unsafe.Pointer(unsafe.SliceData(fields))), len(fields))
}
