package exchange

// Bound is what a handler keeps with a connection from one exchange to the next.
type Bound interface {
	// Unbind is called once, when the connection has ended or something else took the place. It must not wait.
	Unbind()
}

// Bindings keep something for each of the handlers that a connection has met. They belong to the connection's goroutine.
type Bindings struct{ list []binding }

type binding struct {
	key   string
	value Bound
}

// Get is what was bound under the key, or nil.
func (b *Bindings) Get(key string) Bound {
	for i := range b.list {
		if b.list[i].key == key {
			return b.list[i].value
		}
	}
	return nil
}

// Set binds a value in the place of the present one, which is unbound. Nil leaves the place empty.
func (b *Bindings) Set(key string, value Bound) {
	for i := range b.list {
		if b.list[i].key == key {
			b.list[i].value.Unbind()
			b.list[i].value = value
			if value == nil {
				b.list = append(b.list[:i], b.list[i+1:]...)
			}
			return
		}
	}
	if value != nil {
		b.list = append(b.list, binding{key, value})
	}
}

// Clear unbinds everything.
func (b *Bindings) Clear() {
	for i := range b.list {
		b.list[i].value.Unbind()
	}
	b.list = nil
}
