package engine

import (
	"context"
	"fmt"
	"log/slog"

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
func openCores(ctx context.Context, runtime *wasmruntime.Runtime, config coresConfig) (set *core.Set, err error) {
	one := core.Config{Connections: config.connections, Limits: config.limits.http1()}
	var maker core.Maker
	switch config.kind {
	case CoreNative:
		maker = core.NativeMaker(one)
	case CoreWasm, "":
		if maker, err = core.WasmMaker(ctx, runtime, one); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("core %q is not known; there are %q and %q", config.kind, CoreWasm, CoreNative)
	}
	return core.NewSet(config.count, config.log, maker)
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
