package engine

import (
	"fmt"
	"time"

	"github.com/sluicehttp/sluice/engine/internal/transport"
)

// LimitError says that a limit cannot be what it is set to.
type LimitError struct {
	// Route is the index in [Config.Routes] of the route whose limit it is; -1 for one of the server's.
	Route int
	// Name is the route's name; empty for the server.
	Name string
	// Key names the limit as configuration files do: one of [Limits], such as "head_time", or "max_connections",
	// "compile_time" or "compile_memory".
	Key string

	// problem goes on after what the limit is.
	problem string
}

func limitError(key, format string, args ...any) *LimitError {
	return &LimitError{Route: -1, Key: key, problem: fmt.Sprintf(format, args...)}
}

func (e *LimitError) Error() string {
	if e.Route < 0 {
		return fmt.Sprintf("limit %s %s", e.Key, e.problem)
	}
	return fmt.Sprintf("limit %s of route %q %s", e.Key, e.Name, e.problem)
}

// defaultLimits apply to a server where it sets none.
var defaultLimits = Limits{
	StartLine:     DefaultStartLine,
	Head:          DefaultHead,
	Fields:        DefaultFields,
	ChunkLine:     DefaultChunkLine,
	Trailers:      DefaultTrailers,
	TrailerFields: DefaultTrailerFields,
	Buffered:      DefaultBuffered,
	Log:           DefaultLog,
	HeadTime:      DefaultHeadTime,
	BodyIdle:      DefaultBodyIdle,
	KeepAliveIdle: DefaultKeepAliveIdle,
	WriteIdle:     DefaultWriteIdle,
	HandlerWall:   DefaultHandlerWall,
}

// complete puts defaults where a server sets nothing, and looks for what cannot be.
func (l *Limits) complete() *LimitError { return l.completeFrom(&defaultLimits) }

// completeRoute puts the server's limits where a route sets nothing, and looks for what cannot be: the server's limits
// have been kept to until the head is complete and the route is known.
func (l *Limits) completeRoute(server *Limits) *LimitError {
	if l.HeadTime != 0 {
		return limitError("head_time", "cannot be set: the route is known only when the head is complete")
	}
	if err := l.completeFrom(server); err != nil {
		return err
	}
	for _, read := range []struct {
		key           string
		route, server int
	}{
		{"start_line", l.StartLine, server.StartLine},
		{"head", l.Head, server.Head},
		{"fields", l.Fields, server.Fields},
	} {
		if read.route > read.server {
			return limitError(read.key, "is %d and the server's is %d; it can be no larger, "+
				"because the head is read before its route is known", read.route, read.server)
		}
	}
	return nil
}

// completeFrom puts what base says where nothing is set, and looks for what is out of range.
func (l *Limits) completeFrom(base *Limits) *LimitError {
	if err := completeAll(l.sizes(), base.sizes()); err != nil {
		return err
	}
	return completeAll(l.times(), base.times())
}

func completeAll[T int | time.Duration](limits, base []limit[T]) *LimitError {
	for i, limit := range limits {
		if *limit.value == 0 {
			*limit.value = *base[i].value
		}
		if err := limit.check(); err != nil {
			return err
		}
	}
	return nil
}

// limit is one of the Limits, and what it can be.
type limit[T int | time.Duration] struct {
	key         string
	value       *T
	least, most T
}

// maxSection is the largest head or trailer section: it has to fit in a slot of the core with some room to spare.
const maxSection = 60 << 10

func (l *Limits) sizes() []limit[int] {
	return []limit[int]{
		{"start_line", &l.StartLine, 1, maxSection},
		{"head", &l.Head, 1, maxSection},
		{"fields", &l.Fields, 1, 1024},
		{"chunk_line", &l.ChunkLine, 1, 1 << 20},
		{"trailers", &l.Trailers, 1, maxSection},
		{"trailer_fields", &l.TrailerFields, 1, 1024},
		{"buffered", &l.Buffered, 1, 1 << 30},
		{"log", &l.Log, 1, 1 << 30},
	}
}

const (
	// minTime is the shortest time that can be kept.
	minTime = 100 * time.Millisecond
	// maxTime is a century: what ends much later is beyond the clock, which counts nanoseconds since 1970 in 63 bits.
	maxTime = 100 * 365 * 24 * time.Hour
)

func (l *Limits) times() []limit[time.Duration] {
	return []limit[time.Duration]{
		{"head_time", &l.HeadTime, minTime, maxTime},
		{"body_idle", &l.BodyIdle, minTime, maxTime},
		{"keep_alive_idle", &l.KeepAliveIdle, minTime, maxTime},
		{"write_idle", &l.WriteIdle, minTime, maxTime},
		{"handler_wall", &l.HandlerWall, minTime, maxTime},
	}
}

func (l *limit[T]) check() *LimitError {
	if *l.value < l.least || *l.value > l.most {
		return limitError(l.key, "is %v; it can be %v to %v", *l.value, l.least, l.most)
	}
	return nil
}

// headFirst reports whether some route has limits of its own on what follows a head: then the head has to be read first, or
// the server's would be kept instead.
func (c *Config) headFirst() bool {
	for i := range c.Routes {
		own := &c.Routes[i].Limits
		if own.ChunkLine != c.Limits.ChunkLine || own.Trailers != c.Limits.Trailers || own.TrailerFields != c.Limits.TrailerFields {
			return true
		}
	}
	return false
}

// transport are the limits as the transport knows them. They are complete.
func (l *Limits) transport() transport.Limits {
	return transport.Limits{
		StartLine:     l.StartLine,
		Head:          l.Head,
		Fields:        l.Fields,
		ChunkLine:     l.ChunkLine,
		Trailers:      l.Trailers,
		TrailerFields: l.TrailerFields,
		Buffered:      l.Buffered,
		BodyIdle:      l.BodyIdle,
		KeepAliveIdle: l.KeepAliveIdle,
		WriteIdle:     l.WriteIdle,
		HandlerWall:   l.HandlerWall,
	}
}
