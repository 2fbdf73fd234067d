package engine

import (
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/sluicehttp/sluice/engine/internal/sandbox"
	"github.com/sluicehttp/sluice/engine/internal/transport"
	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
)

// LimitError says that a limit cannot be what it is set to.
type LimitError struct {
	// Route is the index of the route whose limit it is, in [Config.Routes] or in those of the tenant; -1 for one of the
	// server's or the tenant's.
	Route int
	// Name is the route's name; empty for the server and for tenants.
	Name string
	// Tenant is the index in [Config.Tenants] of the tenant; -1 without one. TenantName is its name.
	Tenant     int
	TenantName string
	// Key names the limit as configuration files do: one of [Limits], such as "head_time", "max_connections" and others of
	// the server, or a key of a route, such as "pool_size".
	Key string

	// problem goes on after what the limit is.
	problem string
}

func limitError(key, format string, args ...any) *LimitError {
	return &LimitError{Route: -1, Tenant: -1, Key: key, problem: fmt.Sprintf(format, args...)}
}

func (e *LimitError) Error() string {
	switch {
	case e.Route >= 0:
	case e.Tenant >= 0:
		return fmt.Sprintf("limit %s of tenant %q %s", e.Key, e.TenantName, e.problem)
	default:
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
	HeadTime:      DefaultHeadTime,
	BodyIdle:      DefaultBodyIdle,
	KeepAliveIdle: DefaultKeepAliveIdle,
	WriteIdle:     DefaultWriteIdle,
	HandlerWall:   DefaultHandlerWall,
	Memory:        DefaultMemory,
	CPU:           DefaultCPU,
	Concurrent:    DefaultConcurrent,
	Queue:         DefaultQueue,
	Log:           DefaultLog,
}

// complete puts defaults where a server sets nothing, and looks for what cannot be.
func (l *Limits) complete() *LimitError { return l.completeFrom(&defaultLimits) }

// completeWithin puts the limits around it, the server's or the tenant's, where a route or a tenant sets nothing, and looks
// for what cannot be: the server's limits have been kept to until the head is complete and the route is known.
func (l *Limits) completeWithin(around *Limits, whose string) *LimitError {
	if l.HeadTime != 0 {
		return limitError("head_time", "cannot be set: the route is known only when the head is complete")
	}
	if err := l.completeFrom(around); err != nil {
		return err
	}
	own, outer := l.ofServer(), around.ofServer()
	for i := range own[:afterHead] {
		if *own[i].value > *outer[i].value {
			return limitError(own[i].key, "is %d and the %s's is %d; it can be no larger, "+
				"because the head is read before its route is known", *own[i].value, whose, *outer[i].value)
		}
	}
	return nil
}

// narrower looks for limits that are wider than those around them: of what handlers may take, or all. The head's time is the
// server's alone.
func (l *Limits) narrower(around *Limits, whose string, all bool) *LimitError {
	sizes, times := ofHandlers, ofHandlersInTime
	if all {
		sizes, times = 0, 0
	}
	if err := narrower(l.sizes()[sizes:], around.sizes()[sizes:], whose); err != nil {
		return err
	}
	own, outer := l.times()[times:], around.times()[times:]
	return narrower(own, outer, whose)
}

func narrower[T int | time.Duration](own, around []limit[T], whose string) *LimitError {
	for i := range own {
		// What can be 0 is without a bound then.
		if bound := *around[i].value; bound != 0 && *own[i].value > bound {
			return limitError(own[i].key, "is %v and the %s's is %v; it can be no larger", *own[i].value, whose, bound)
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
		{"memory", &l.Memory, 64 << 10, maxMemory},
		{"concurrent", &l.Concurrent, 1, 1 << 20},
		{"queue", &l.Queue, 1, 1 << 20},
		{"response", &l.Response, 0, math.MaxInt},
		{"event_rate", &l.EventRate, 0, 1 << 30},
		{"log", &l.Log, 1, 1 << 30},
	}
}

// maxMemory is the largest memory that an instance can have, in bytes.
const maxMemory = min(wasmruntime.MaxMemory, math.MaxInt)

// From here on in sizes and times are what handlers may take.
const ofHandlers, ofHandlersInTime = 7, 5

// ofServer are those of the limits in size that the core keeps: first those of the head, which is read before its route is
// known, and from afterHead those that a route can have otherwise.
func (l *Limits) ofServer() []limit[int] { return l.sizes()[:6] }

const afterHead = 3

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
		{"cpu", &l.CPU, time.Millisecond, maxTime},
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
	for route := range c.allRoutes() {
		own := &route.Limits
		if own.ChunkLine != c.Limits.ChunkLine || own.Trailers != c.Limits.Trailers || own.TrailerFields != c.Limits.TrailerFields {
			return true
		}
	}
	return false
}

// allRoutes are the routes with and without a tenant.
func (c *Config) allRoutes() iter.Seq[*Route] {
	return func(yield func(*Route) bool) {
		for i := range c.Routes {
			if !yield(&c.Routes[i]) {
				return
			}
		}
		for i := range c.Tenants {
			for j := range c.Tenants[i].Routes {
				if !yield(&c.Tenants[i].Routes[j]) {
					return
				}
			}
		}
	}
}

// sandbox are the limits of a route as its pool knows them. They are complete. A gate of its own is for a route that may have
// fewer requests at a time than its tenant.
func (l *Limits) sandbox(tenant *Limits) sandbox.Limits {
	limits := sandbox.Limits{
		Memory:    uint64(l.Memory),
		CPU:       l.CPU,
		Wall:      l.HandlerWall,
		Response:  int64(l.Response),
		EventRate: l.EventRate,
		Log:       l.Log,
	}
	if l.Concurrent != tenant.Concurrent || l.Queue != tenant.Queue {
		limits.Concurrent, limits.Queue = l.Concurrent, l.Queue
	}
	return limits
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
