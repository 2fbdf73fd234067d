package engine

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/sluicehttp/sluice/engine/internal/sandbox"
	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
)

// Config says how an engine serves. The zero value of every field but Routes is its default.
type Config struct {
	// Routes are the handlers and the requests each of them answers, for hosts that no tenant has.
	Routes []Route
	// Tenants have hosts of their own, with routes that are loaded when they are needed. There is at least one route here or
	// there.
	Tenants []Tenant
	// TenantIdle is how long the handler of a tenant is kept without requests, 100 ms to a century. Default 5 min.
	TenantIdle time.Duration
	// MaxLoaded is how many handlers of tenants are loaded at a time, 1 to 1,048,576. One more has the one go that was used
	// longest ago, unless requests are with all of them. Default 1,024.
	MaxLoaded int
	// Core chooses how the parser runs: [CoreWasm], the default, in its sandbox; [CoreNative] linked into the process,
	// which is faster and trusts the parser with the process's memory.
	Core Core
	// CoreInstances is how many parsers share the connections. Default: one per processor that Go uses.
	CoreInstances int
	// CacheDir keeps compiled modules between runs; made when missing, and refused when others can write it. Several
	// processes may share it. The modules that were not used for the longest time are removed when all together take more
	// than 2 GiB. Empty: nothing is kept.
	CacheDir string
	// Compiler has handlers' modules compiled by a process of its own, within limits. Wanted wherever handlers are not
	// trusted: 100 KiB of WebAssembly can keep a compiler busy for minutes, and take gigabytes.
	Compiler Compiler
	// MaxConnections is how many connections are served at a time, 1 to 1,048,576; more wait in the operating system's
	// queue until one ends. Default 16,384.
	MaxConnections int
	// Limits bound what peers may send and how long they may take.
	Limits Limits
	// Observe is told what handlers hear and what they do, step by step, for debugging and for tests. It is called on the
	// goroutine that the handler runs on, which waits meanwhile, and by several goroutines at a time. It cannot be changed by
	// [Engine.Reload]. Nil, the default: nobody is, which costs a branch for each event and each call.
	Observe func(Observation)
	// Log takes what an operator should know. Default: slog.Default().
	Log *slog.Logger
}

// Core names a way to run the parser.
type Core string

// The ways to run the parser.
const (
	CoreWasm   Core = "wasm"
	CoreNative Core = "native"
)

// Route sends requests to a handler. Of the routes that fit a request the one with a host goes before those without,
// and among these the longest path wins.
type Route struct {
	// Name stands for the route in logs and for [Engine.Replace]; no other route has it. Default: its host and path. In
	// front of that of a tenant's route stand the tenant's name and a colon.
	Name string
	// Host is the host name that the request must be meant for, without port, compared without regard to case. Empty:
	// any; so it is for routes of tenants, whose hosts are the tenant's.
	Host string
	// Path is what the request's path must be or begin with, up to a slash: "/api" fits "/api" and "/api/users" but not
	// "/apifox". It begins with a slash. Default "/".
	Path string
	// Methods are the allowed methods; others are answered 405 with Allow. Empty: every method.
	Methods []string
	// Handler is the module that answers.
	Handler Module
	// Args are arguments for the handler, after the first, which is the last part of the module's name. They hold no byte
	// of value 0.
	Args []string
	// Env is the handler's environment; it sees no other. Names are not empty and hold no equals sign, and neither they nor
	// values hold a byte of value 0. With Args at most [MaxProcess] bytes.
	Env map[string]string
	// Limits are the route's own; a zero field is the server's. The head is read before its route is known: StartLine,
	// Head and Fields can only be less than the server's, and HeadTime cannot be set. KeepAliveIdle is the time that
	// follows an exchange of the route.
	Limits Limits

	// Isolation says who shares an instance of the handler. Default [IsolateRequests].
	Isolation Isolation
	// PoolSize is how many instances are kept ready without work, 1 to 65,536. Default 64.
	PoolSize int
	// MaxReuse is how many sessions an instance has before another takes its place. 0: any number.
	MaxReuse int
	// IdleTime is how long an instance is kept without work, 100 ms to a century, at least; at most it is twice as long.
	// Default 1 min.
	IdleTime time.Duration
}

// Isolation says who shares an instance of a handler.
type Isolation string

// The policies of isolation.
const (
	// IsolateRequests gives every request a clean instance: nothing that one has left behind is seen by another.
	IsolateRequests Isolation = "request"
	// IsolateConnections gives every connection a clean instance, which keeps its state between the requests of it.
	IsolateConnections Isolation = "connection"
	// ShareInstance has one instance serve all requests at a time, as chat rooms and broadcasts need it.
	ShareInstance Isolation = "shared"
)

// Module is a handler in WebAssembly's binary format.
type Module struct {
	// Name stands for the module in logs and errors, for instance its file name.
	Name string
	// Wasm is the module itself. Modules with equal code are compiled once, and share no instances.
	Wasm []byte
	// Open reads the module when Wasm is nil. That of a tenant's route is called when a request needs the handler, each time
	// that it is loaded, and may then be called by any goroutine.
	Open func() ([]byte, error)
}

// Limits bound what a peer may send, in bytes and fields, and what it and a handler may take, in time: 100 ms to a
// century. A zero field of a server's limits is its default; the table in ARCHITECTURE.md lists what ends with which status.
type Limits struct {
	// StartLine bounds the start line in bytes, at most 60 KiB. Default 8 KiB.
	StartLine int
	// Head bounds the whole head in bytes, at most 60 KiB. Default 32 KiB.
	Head int
	// Fields bounds the number of fields in a head, at most 1,024. Default 128.
	Fields int
	// ChunkLine bounds the line in front of a chunk in bytes, at most 1 MiB. Default 4 KiB.
	ChunkLine int
	// Trailers bounds the trailer section in bytes, at most 60 KiB. Default 8 KiB.
	Trailers int
	// TrailerFields bounds the number of fields in a trailer section, at most 1,024. Default 32.
	TrailerFields int
	// Buffered bounds the body in bytes that is collected for a handler which does not take it in pieces, at most 1 GiB.
	// Default 1 MiB.
	Buffered int

	// HeadTime is the time from a message's first byte to the end of its head. Default 10 s.
	HeadTime time.Duration
	// BodyIdle is the time between two pieces of a body. Default 30 s.
	BodyIdle time.Duration
	// KeepAliveIdle is the time between two messages of a connection, and before the first. Default 75 s.
	KeepAliveIdle time.Duration
	// WriteIdle is the time in which the peer must take some bytes of an answer. Default 30 s.
	WriteIdle time.Duration
	// HandlerWall is the time that a handler has from the request's head to the head of its answer, not counting the
	// time it waits for the request's body. Default 30 s.
	HandlerWall time.Duration

	// What follows is what a handler may take. Where it is about all requests of a tenant, it is so for the routes without a
	// tenant, too. A route's can only be less than its tenant's, or for a route without a tenant the server's.

	// Memory bounds the memory of an instance in bytes, 64 KiB to 4 GiB. Default 64 MiB.
	Memory int
	// CPU bounds the CPU time of a request, of a stream from one wait to the next; 1 ms to a century. Default 50 ms.
	CPU time.Duration
	// Concurrent bounds how many requests of a tenant are with handlers at a time, and Queue how many more wait; further ones
	// are answered 503. 1 to 1,048,576 each. Default 256 each. A route's own bound those of the route.
	Concurrent, Queue int
	// Response bounds the body of an answer in bytes. 0: any size.
	Response int
	// EventRate bounds how many events a session hears in a second; more come later. 0: any number.
	EventRate int
	// Log bounds what a handler may print in one session, in bytes of the log, where every line counts as 64 bytes more, at
	// most 1 GiB. The rest is dropped. Default 64 KiB.
	Log int
}

// Limits that apply where a field is zero.
const (
	DefaultMaxConnections = 16384
	DefaultStartLine      = 8 << 10
	DefaultHead           = 32 << 10
	DefaultFields         = 128
	DefaultChunkLine      = 4 << 10
	DefaultTrailers       = 8 << 10
	DefaultTrailerFields  = 32
	DefaultBuffered       = 1 << 20
	DefaultHeadTime       = 10 * time.Second
	DefaultBodyIdle       = 30 * time.Second
	DefaultKeepAliveIdle  = 75 * time.Second
	DefaultWriteIdle      = 30 * time.Second
	DefaultHandlerWall    = 30 * time.Second
	DefaultCompileTime    = wasmruntime.DefaultCompileTime
	DefaultCompileMemory  = wasmruntime.DefaultCompileMemory

	DefaultMemory     = sandbox.DefaultMaxMemory
	DefaultCPU        = sandbox.DefaultCPU
	DefaultConcurrent = sandbox.DefaultConcurrent
	DefaultQueue      = sandbox.DefaultQueue
	DefaultLog        = sandbox.DefaultLog
	DefaultPoolSize   = sandbox.DefaultPoolSize
	DefaultIdleTime   = sandbox.DefaultIdleTime
	DefaultTenantIdle = 5 * time.Minute
	DefaultMaxLoaded  = 1024
)

// maxConnections is the most that one core takes.
const maxConnections = 1 << 20

// complete puts defaults, and in tenants and routes the limits around them, where nothing is set, and looks for what cannot
// be. It changes no slice of the caller's.
func (c *Config) complete() error {
	if err := c.Limits.complete(); err != nil {
		return err
	}
	if err := c.Compiler.complete(); err != nil {
		return err
	}
	if len(c.Routes)+len(c.Tenants) == 0 {
		return errors.New("no routes; give at least one, with a handler")
	}
	var err error
	if c.Routes, err = completeRoutes(c.Routes, &c.Limits, nil); err != nil {
		return err
	}
	if err = c.completeTenants(); err != nil {
		return err
	}
	return c.completeServer()
}

// completeServer puts defaults where nothing is set for the server, and looks for what cannot be.
func (c *Config) completeServer() error {
	if c.Core == "" {
		c.Core = CoreWasm
	}
	if c.CoreInstances == 0 {
		c.CoreInstances = runtime.GOMAXPROCS(0)
	}
	if c.CoreInstances < 1 || c.CoreInstances > 1024 {
		return fmt.Errorf("%d core instances; it can be 1 to 1024", c.CoreInstances)
	}
	if err := completeAll(c.counts(), (&Config{MaxConnections: DefaultMaxConnections, MaxLoaded: DefaultMaxLoaded}).counts()); err != nil {
		return err
	}
	if err := completeAll(c.times(), (&Config{TenantIdle: DefaultTenantIdle}).times()); err != nil {
		return err
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return nil
}

func (c *Config) counts() []limit[int] {
	return []limit[int]{
		{"max_connections", &c.MaxConnections, 1, maxConnections},
		{"max_loaded", &c.MaxLoaded, 1, 1 << 20},
	}
}

func (c *Config) times() []limit[time.Duration] {
	return []limit[time.Duration]{{"tenant_idle", &c.TenantIdle, minTime, maxTime}}
}
