package sluice

// Header are fields that a handler sends, in this order. Names are compared whatever the case of their letters.
type Header struct {
	fields []Field
}

// Set has a name have one value.
func (h *Header) Set(name, value string) {
	for i := range h.fields {
		if equalFold(h.fields[i].Name, name) {
			h.fields[i].Value = value
			h.delete(name, i+1)
			return
		}
	}
	h.Add(name, value)
}

// Add gives a name another value.
func (h *Header) Add(name, value string) { h.fields = append(h.fields, Field{name, value}) }

// Del takes all values of a name away.
func (h *Header) Del(name string) { h.delete(name, 0) }

// delete takes the fields of a name away from a place on.
func (h *Header) delete(name string, from int) {
	kept := h.fields[:from]
	for _, field := range h.fields[from:] {
		if !equalFold(field.Name, name) {
			kept = append(kept, field)
		}
	}
	h.fields = kept
}

// Get is the first value of a name; empty when there is none.
func (h *Header) Get(name string) string {
	for i := range h.fields {
		if equalFold(h.fields[i].Name, name) {
			return h.fields[i].Value
		}
	}
	return ""
}

// Has reports whether a name has a value.
func (h *Header) Has(name string) bool {
	for i := range h.fields {
		if equalFold(h.fields[i].Name, name) {
			return true
		}
	}
	return false
}

// All goes through the fields in order.
func (h *Header) All() func(yield func(name, value string) bool) {
	return func(yield func(name, value string) bool) {
		for _, field := range h.fields {
			if !yield(field.Name, field.Value) {
				return
			}
		}
	}
}

// Clear takes all fields away.
func (h *Header) Clear() { h.fields = h.fields[:0] }
