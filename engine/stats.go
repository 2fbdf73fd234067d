package engine

// Stats are what an engine has done since it was made, and what it holds.
type Stats struct {
	// Accepted is the number of connections that were accepted, Open how many of them are open.
	Accepted uint64
	Open     int
	// States counts the open connections by state.
	States map[string]int
	// Reasons counts what ended work early or kept it waiting, by limit or by error code.
	Reasons map[string]uint64

	// Replaced and Reloaded are how many calls of Replace and Reload took effect, Refused how many did not. Making the
	// engine does not count.
	Replaced, Reloaded, Refused uint64

	// Tenants is how many tenants there are, Loaded how many of their handlers are loaded.
	Tenants, Loaded int
	// Modules is how many modules' machine code is kept: one for all that have equal bytes.
	Modules int
	// Instances is how many instances of handlers there are, at work or not, those of replaced handlers included.
	Instances int
}

// Stats tells what the engine has done so far, and what it holds.
func (e *Engine) Stats() Stats {
	server, registry := e.server.Stats(), e.registry.Stats()
	return Stats{
		Accepted:  server.Accepted,
		Open:      server.Open,
		States:    server.States,
		Reasons:   server.Reasons,
		Replaced:  registry.Replaced,
		Reloaded:  registry.Reloaded - 1, // the first was New
		Refused:   e.refused.Load(),
		Tenants:   registry.Tenants,
		Loaded:    registry.Loaded,
		Modules:   e.loader.Compiled(),
		Instances: e.loader.Instances(),
	}
}
