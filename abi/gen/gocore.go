package main

// goCore writes the part of package http1 that crosses the sandbox's wall: structs that lie in the core's memory as they
// are, so that the host reads them in place.
func goCore(doc *document) ([]byte, error) {
	g := &goText{}
	g.file("", "http1", "unsafe")
	types := doc.typesFor(core)
	for _, t := range types {
		switch t.kind {
		case kindRecord:
			g.layoutStruct(t)
			g.sizes(t)
		case kindList:
			// Lists exist only where the parts of a record lie apart; the core's records have none.
		default:
			g.number(t)
		}
	}
	g.unnamed()
	g.layoutAsserts(ofKind(types, kindRecord))
	return g.source()
}
