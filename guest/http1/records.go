package http1

// Records are written for every message, so their members are cut from words: of two or more that lie side by side the
// compiler then makes one store.

// packed is a span in a word: the offset in the lower half, the size in the upper.
type packed uint64

func pack(offset, size int) packed { return packed(uint32(offset)) | packed(size)<<32 }

func (s *Span) pack() packed { return packed(s.Offset) | packed(s.Size)<<32 }

func (s *Span) put(p packed) { s.Offset, s.Size = uint32(p), uint32(p>>32) }

func (f *FieldSpan) put(name, value packed) {
	f.Name.put(name)
	f.Value.put(value)
}

// eventWord is what an event record begins with.
func eventWord(kind Event, flags EventFlags, version Version, fields int) uint64 {
	return uint64(kind) | uint64(flags)<<16 | uint64(version)<<32 | uint64(fields)<<48
}

// set sets all of a record. A status is for answers alone, and 0 here.
func (e *EventRecord) set(word, position uint64, first, second, authority packed, length uint64) {
	e.Kind, e.Reserved, e.Flags = Event(word), uint8(word>>8), EventFlags(word>>16)
	e.Version, e.FieldCount = Version(word>>32), uint16(word>>48)
	e.Position = position
	e.First.Offset, e.First.Size = uint32(first), uint32(first>>32)
	e.Second.Offset, e.Second.Size = uint32(second), uint32(second>>32)
	e.Authority.Offset, e.Authority.Size = uint32(authority), uint32(authority>>32)
	e.Length, e.Status = length, 0
}

// set sets all of a record that tells of no error.
func (r *Reception) set(consumed, events int, state ReaderState) {
	counts := pack(consumed, events)
	r.Consumed, r.EventCount = uint32(counts), uint32(counts>>32)
	word := uint64(state)
	r.State, r.Reserved, r.Error, r.ErrorStatus = ReaderState(word), uint8(word>>8), ErrorCode(word>>16), Status(word>>32)
	r.ErrorPosition = 0
}
