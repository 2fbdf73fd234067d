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
// The pieces are in internal: core drives the parser, transport owns sockets and is the HTTP/1.1 front end, tenancy finds
// handlers, sandbox runs them, hostabi is what they import, exchange is the border between front ends and handlers.
package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/core"
	"github.com/sluicehttp/sluice/engine/internal/sandbox"
	"github.com/sluicehttp/sluice/engine/internal/tenancy"
	"github.com/sluicehttp/sluice/engine/internal/transport"
	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
)

// ABI is the name, and so the version, of the interface that handlers import.
const ABI = abi.HandlerImportModule

// ErrClosed is what Serve returns after Close.
var ErrClosed = transport.ErrClosed

// Engine serves routes.
type Engine struct {
	// config is the one the engine was made with, without routes: what of it cannot change holds until the end.
	config   Config
	runtime  *wasmruntime.Runtime
	loader   *sandbox.Loader
	registry *tenancy.Registry
	cores    *core.Set
	server   *transport.Server

	// serverLimits and headFirst are what the transport was given: they apply where a route says nothing else.
	serverLimits transport.Limits
	headFirst    bool

	refused atomic.Uint64 // changes

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
	e = &Engine{config: config, serverLimits: config.Limits.transport(), headFirst: config.headFirst()}
	e.config.Routes, e.config.Tenants = nil, nil
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
	e.loader, err = sandbox.NewLoader(ctx, e.runtime, sandbox.Config{
		MaxMemory: maxMemory, Observer: config.observer(), Log: config.Log,
	})
	if err != nil {
		return e, err
	}
	e.registry = tenancy.NewRegistry(tenancy.Config{
		Loader: e.loader, Idle: config.TenantIdle, MaxLoaded: config.MaxLoaded, Log: config.Log,
	})
	if _, err = e.change(ctx, &config); err != nil {
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
		Router:         e.registry,
		MaxConnections: config.MaxConnections,
		HeadTime:       config.Limits.HeadTime,
		Limits:         e.serverLimits,
		HeadFirst:      e.headFirst,
		Log:            config.Log,
	})
	return e, nil
}

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
		// Otherwise some handler is still running or being loaded, and what it runs in cannot be freed under it.
	})
	return e.err
}

// free gives everything back, unless ctx ends while a handler is being loaded. Nothing may be running.
func (e *Engine) free(ctx context.Context) error {
	if e.registry != nil {
		if err := e.registry.Close(ctx); err != nil {
			return err
		}
	}
	var errs []error
	if e.cores != nil {
		errs = append(errs, e.cores.Close())
	}
	if e.runtime != nil {
		errs = append(errs, e.runtime.Close(ctx))
	}
	return errors.Join(errs...)
}
