package command

import (
	"context"
	"errors"
	"os"
	"sync/atomic"

	"github.com/sluicehttp/sluice/engine"
)

// reloader has an engine serve what the settings say now, each time that it is asked to.
type reloader struct {
	read   func() (*settings, error)
	server *engine.Engine
	// current are the settings that hold.
	current atomic.Pointer[settings]
	// signals come from the operating system. watcher is nil unless files are watched.
	signals chan os.Signal
	watcher *watcher
	// terminal says that the program belonged to a terminal when it began, and gone is closed when that has gone.
	terminal bool
	gone     chan struct{}
	cancel   context.CancelFunc
}

// newReloader begins to reload: at a signal, and when it is wanted also when a file changes. It has to be stopped.
func newReloader(ctx context.Context, s *settings, read func() (*settings, error), server *engine.Engine) (*reloader, error) {
	r := &reloader{
		read: read, server: server, signals: make(chan os.Signal, 1), terminal: hasTerminal(), gone: make(chan struct{}),
	}
	r.current.Store(s)
	var changed <-chan struct{}
	if s.watch {
		var err error
		if r.watcher, err = newWatcher(fileList(s.files), "leave out --watch", s.engine.Log); err != nil {
			return nil, err
		}
		changed = r.watcher.changed
	}
	notifyReload(r.signals)
	ctx, r.cancel = context.WithCancel(ctx)
	go r.run(ctx, changed)
	return r, nil
}

func (r *reloader) run(ctx context.Context, changed <-chan struct{}) {
	for {
		select {
		case <-r.signals:
			if r.terminal && !hasTerminal() {
				close(r.gone)
				return
			}
			_ = r.reload(ctx, "SIGHUP")
		case <-changed:
			_ = r.reload(ctx, "a file changed")
		case <-ctx.Done():
			return
		}
	}
}

// reload reads the settings again and has them hold, or says why not and leaves everything as it is.
func (r *reloader) reload(ctx context.Context, cause string) error {
	present := r.current.Load()
	next, err := r.read()
	if r.watcher != nil && next != nil {
		r.watcher.watch(fileList(next.files)) // those that are missing or broken as well: they may be mended
	}
	if err == nil {
		next.engine.Log = present.engine.Log
		err = next.locate(r.server.Reload(ctx, next.engine))
	}
	switch {
	case errors.Is(err, engine.ErrClosed), ctx.Err() != nil:
		return err
	case err != nil:
		present.engine.Log.Warn("reload refused; everything goes on as before", "cause", cause, "reason", err)
		return err
	case next.addr != present.addr:
		present.engine.Log.Warn("some changes need a restart and were left out", "keys", []string{"addr"})
		next.addr = present.addr
	}
	r.current.Store(next)
	return nil
}

// stop ends reloading. One that is under way ends with the engine at the latest.
func (r *reloader) stop() {
	r.cancel()
	stopReload(r.signals)
	if r.watcher != nil {
		r.watcher.close()
	}
}
