package engine

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
)

// Config says how an engine serves. The zero value of every field but Routes is its default.
type Config struct {
	// Routes are the handlers and the requests each of them answers. At least one.
	Routes []Route
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
	// Name stands for the route in logs. Default: its host and path.
	Name string
	// Host is the host name that the request must be meant for, without port, compared without regard to case. Empty:
	// any.
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
}

// Module is a handler in WebAssembly's binary format.
type Module struct {
	// Name stands for the module in logs and errors, for instance its file name.
	Name string
	// Wasm is the module itself. Routes with equal bytes share one compiled module, and no instances of it.
	Wasm []byte
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
	// Log bounds what a handler may print in one session, in bytes of the log, where every line counts as 64 bytes more, at
	// most 1 GiB. The rest is dropped. Default 64 KiB.
	Log int

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
	DefaultLog            = 64 << 10
	DefaultHeadTime       = 10 * time.Second
	DefaultBodyIdle       = 30 * time.Second
	DefaultKeepAliveIdle  = 75 * time.Second
	DefaultWriteIdle      = 30 * time.Second
	DefaultHandlerWall    = 30 * time.Second
	DefaultCompileTime    = wasmruntime.DefaultCompileTime
	DefaultCompileMemory  = wasmruntime.DefaultCompileMemory
)

// maxConnections is the most that one core takes.
const maxConnections = 1 << 20

// complete puts defaults, and in routes the server's limits, where nothing is set, and looks for what cannot be. It changes no slice of the caller's.
func (c *Config) complete() error {
	if err := c.Limits.complete(); err != nil {
		return err
	}
	if err := c.Compiler.complete(); err != nil {
		return err
	}
	if len(c.Routes) == 0 {
		return errors.New("no routes; give at least one, with a handler")
	}
	c.Routes = slices.Clone(c.Routes)
	seen := map[string]bool{}
	for i := range c.Routes {
		route := &c.Routes[i]
		if err := route.check(); err != nil {
			return fmt.Errorf("route %d: %w", i+1, err)
		}
		if err := route.checkProcess(); err != nil {
			err.Route = i
			return err
		}
		if err := route.Limits.completeRoute(&c.Limits); err != nil {
			err.Route, err.Name = i, route.Name
			return err
		}
		place := strings.ToLower(route.Host) + strings.TrimSuffix(route.Path, "/")
		if seen[place] {
			return fmt.Errorf("route %d: host %q and path %q have a route already; give each its own", i+1, route.Host, route.Path)
		}
		seen[place] = true
	}
	if c.CoreInstances == 0 {
		c.CoreInstances = runtime.GOMAXPROCS(0)
	}
	if c.MaxConnections == 0 {
		c.MaxConnections = DefaultMaxConnections
	}
	if c.CoreInstances < 1 || c.CoreInstances > 1024 {
		return fmt.Errorf("%d core instances; it can be 1 to 1024", c.CoreInstances)
	}
	if c.MaxConnections < 1 || c.MaxConnections > maxConnections {
		return limitError("max_connections", "is %d; it can be 1 to %d", c.MaxConnections, maxConnections)
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return nil
}
