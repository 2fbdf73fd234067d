package main

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sluicehttp/sluice/engine"
)

// cpu is what a request may compute. The default is a bound for small handlers; some of these are asked to compute for long.
const cpu = 20 * time.Second

// newSluice makes an engine that serves a handler for each path, or tenants with one handler each.
func newSluice(ctx context.Context, o *options) (func(net.Listener) error, error) {
	config := engine.Config{Core: engine.Core(o.core), CacheDir: o.cache, TenantIdle: time.Hour}
	isolation := engine.Isolation(o.isolation)
	for path, file := range o.handlers {
		module, err := read(file)
		if err != nil {
			return nil, err
		}
		route := engine.Route{Path: path, Handler: module, Isolation: isolation, Limits: engine.Limits{CPU: cpu}}
		config.Routes = append(config.Routes, route)
		// What computes for long is let do so, but not what never ends.
		config.Limits.CPU = cpu
	}
	files, err := filepath.Glob(filepath.Join(o.tenants, "*.wasm"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		name := "t" + strings.TrimSuffix(filepath.Base(file), ".wasm")
		config.Tenants = append(config.Tenants, tenant(name, file, isolation))
	}
	if o.spin != "" {
		spinning := tenant("spin", o.spin, isolation)
		spinning.Limits.CPU = engine.DefaultCPU
		config.Tenants = append(config.Tenants, spinning)
	}
	if len(config.Routes)+len(config.Tenants) == 0 {
		return nil, errors.New("sluice needs a --handler or --tenants")
	}
	e, err := engine.New(ctx, config)
	if err != nil {
		return nil, err
	}
	return e.Serve, nil
}

func read(file string) (engine.Module, error) {
	wasm, err := os.ReadFile(file)
	return engine.Module{Name: filepath.Base(file), Wasm: wasm}, err
}

// tenant has a host that is called as it is, and a module that is read when it is needed.
func tenant(name, file string, isolation engine.Isolation) engine.Tenant {
	return engine.Tenant{
		Name: name, Hosts: []string{name + ".example"},
		Routes: []engine.Route{{Isolation: isolation, Handler: engine.Module{
			Name: filepath.Base(file),
			Open: func() ([]byte, error) { return os.ReadFile(file) },
		}}},
	}
}
