package engine

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/tetratelabs/wazero"

	"github.com/sluicehttp/sluice/engine/internal/core"
	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
	"github.com/sluicehttp/sluice/guest/http1"
)

// coresConfig says which cores to open.
type coresConfig struct {
	kind        Core
	count       int
	connections int // of each core
	limits      *Limits
	log         *slog.Logger
}

// openCores makes the cores that share an engine's connections. The runtime is not needed for native ones.
func openCores(ctx context.Context, runtime *wasmruntime.Runtime, config coresConfig) (*core.Set, error) {
	make, err := coreMaker(ctx, runtime, config)
	if err != nil {
		return nil, err
	}
	return core.NewSet(config.count, config.log, make)
}

// coreMaker is what makes one core. A core in a sandbox is compiled once for all.
func coreMaker(ctx context.Context, runtime *wasmruntime.Runtime, config coresConfig) (core.Maker, error) {
	one := core.Config{Connections: config.connections, Limits: config.limits.http1()}
	switch config.kind {
	case CoreNative:
		return func(onBroken func(error)) (*core.Core, error) {
			one := one
			one.OnBroken = onBroken
			return core.NewNative(one)
		}, nil
	case CoreWasm, "":
		compiled, err := core.Compile(ctx, runtime)
		if err != nil {
			return nil, err
		}
		return wasmMaker(ctx, runtime, compiled, one), nil
	}
	return nil, fmt.Errorf("core %q is not known; there are %q and %q", config.kind, CoreWasm, CoreNative)
}

func wasmMaker(ctx context.Context, runtime *wasmruntime.Runtime, compiled wazero.CompiledModule, config core.Config) core.Maker {
	return func(onBroken func(error)) (*core.Core, error) {
		config := config
		config.OnBroken = onBroken
		return core.NewWasm(ctx, runtime, compiled, config)
	}
}

// http1 are the limits as the core knows them.
func (l *Limits) http1() http1.Limits {
	return http1.Limits{
		StartLine:     uint32(l.StartLine),
		Head:          uint32(l.Head),
		Fields:        uint32(l.Fields),
		ChunkLine:     uint32(l.ChunkLine),
		Trailers:      uint32(l.Trailers),
		TrailerFields: uint32(l.TrailerFields),
	}
}
