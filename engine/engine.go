// Package engine is Sluice as a library: an HTTP server whose parser and whose handlers run in WebAssembly sandboxes.
//
//	e, err := engine.New(ctx, engine.Config{Routes: []engine.Route{{Handler: engine.Module{Wasm: wasm}}}})
//	if err != nil { … }
//	go e.Serve(listener)
//	…
//	e.Close(ctx)
//
// Where handlers are not trusted, a process of its own compiles them: see [Compiler].
//
// The pieces are in internal: core drives the parser, transport owns sockets and is the HTTP/1.1 front end, sandbox runs
// handlers, hostabi is what they import, exchange is the border between front ends and handlers.
package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/core"
	"github.com/sluicehttp/sluice/engine/internal/sandbox"
	"github.com/sluicehttp/sluice/engine/internal/transport"
	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
)

// ABI is the name, and so the version, of the interface that handlers import.
const ABI = abi.HandlerImportModule

// ErrClosed is what Serve returns after Close.
var ErrClosed = transport.ErrClosed

// Engine serves routes.
type Engine struct {
	runtime *wasmruntime.Runtime
	modules []*sandbox.Module
	pools   []*sandbox.Pool
	cores   *core.Set
	server  *transport.Server

	closing sync.Once
	err     error
}

// DefaultCacheDir is where compiled modules are kept unless a Config says otherwise: sluice in the user's directory for
// caches.
func DefaultCacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no directory for caches: %w", err)
	}
	return filepath.Join(dir, "sluice"), nil
}

// New loads the handlers and makes everything ready to serve. An error is one line that says what is wrong with which
// route or limit; about a limit it is a [*LimitError]. The context is for loading; ending it later changes nothing.
func New(ctx context.Context, config Config) (e *Engine, err error) {
	if err := config.complete(); err != nil {
		return nil, err
	}
	e = &Engine{}
	defer func() {
		if err != nil {
			_ = e.free(ctx)
			e = nil
		}
	}()
	e.runtime, err = wasmruntime.New(ctx, wasmruntime.Config{
		CacheDir: config.CacheDir, Compiler: config.Compiler.runtime(), Log: config.Log,
	})
	if err != nil {
		return e, err
	}
	routes, err := e.load(ctx, &config)
	if err != nil {
		return e, err
	}
	e.cores, err = openCores(ctx, e.runtime, coresConfig{
		kind:        config.Core,
		count:       config.CoreInstances,
		connections: config.MaxConnections,
		limits:      &config.Limits,
		log:         config.Log,
	})
	if err != nil {
		return e, err
	}
	e.server = transport.NewServer(transport.Config{
		Cores:          e.cores,
		Router:         routes,
		MaxConnections: config.MaxConnections,
		HeadTime:       config.Limits.HeadTime,
		Limits:         config.Limits.transport(),
		HeadFirst:      config.headFirst(),
		Log:            config.Log,
	})
	return e, nil
}

// load loads the handlers of all routes.
func (e *Engine) load(ctx context.Context, config *Config) (*router, error) {
	loader, err := sandbox.NewLoader(ctx, e.runtime, sandbox.Config{MaxSleep: config.Limits.HandlerWall, Log: config.Log})
	if err != nil {
		return nil, err
	}
	routes := &router{}
	for _, route := range config.Routes {
		module, err := loader.Load(ctx, route.Handler.Name, route.Handler.Wasm)
		if err != nil {
			return nil, fmt.Errorf("handler %w", err)
		}
		e.modules = append(e.modules, module)
		pool, err := module.NewPool(sandbox.PoolConfig{
			Route: route.Name, Process: route.process(), Log: config.Log,
			Limits: sandbox.Limits{Wall: route.Limits.HandlerWall, Log: route.Limits.Log},
		})
		if err != nil {
			return nil, fmt.Errorf("handler %s: %w", route.Handler.Name, err)
		}
		e.pools = append(e.pools, pool)
		target := &transport.Route{Name: route.Name, Handler: pool}
		if own := route.Limits.transport(); own != config.Limits.transport() {
			target.Limits = &own
		}
		routes.add(route, target)
	}
	routes.sort()
	return routes, nil
}

// Stats are what an engine has done since it was made.
type Stats = transport.Stats

// Stats tells what the engine has done so far.
func (e *Engine) Stats() Stats { return e.server.Stats() }

// Serve answers the connections that a listener accepts, until Close; then it returns ErrClosed. It may be called for
// several listeners, and closes each.
func (e *Engine) Serve(listener net.Listener) error { return e.server.Serve(listener) }

// Close stops accepting, ends idle connections, and lets requests that have begun be answered, each connection ending with
// its answer. When ctx ends first, what is left is cut off and ctx's error returned.
func (e *Engine) Close(ctx context.Context) error {
	e.closing.Do(func() {
		if e.err = e.server.Close(ctx); e.err == nil {
			e.err = e.free(ctx)
		}
		// Otherwise some handler is still running, and what it runs in cannot be freed under it.
	})
	return e.err
}

// free gives everything back. Nothing may be running.
func (e *Engine) free(ctx context.Context) error {
	var errs []error
	for _, pool := range e.pools {
		pool.Close()
	}
	for _, module := range e.modules {
		module.Close()
	}
	if e.cores != nil {
		errs = append(errs, e.cores.Close())
	}
	if e.runtime != nil {
		errs = append(errs, e.runtime.Close(ctx))
	}
	return errors.Join(errs...)
}
