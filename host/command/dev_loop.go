package command

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sluicehttp/sluice/engine"
)

// maxStops is how many builds in a row are stopped because something has changed. The next one may end first, or a build that
// writes to what is watched would never do so.
const maxStops = 3

// developer builds and has an engine serve what comes of it, one after the other, until it is told to end.
type developer struct {
	stderr io.Writer
	log    *devLog
	// readNames reads the configuration without the handlers.
	readNames func() (*settings, error)
	reloader  reloader
	watcher   *watcher
	contents  contents

	// plan and files are of the configuration that was read last and makes sense.
	plan  buildPlan
	files []string
	// building is the build that is under way, nil for none; again says that another has to follow it. stops counts those in
	// a row that were stopped.
	building *building
	again    bool
	stops    int
	// told is the command that was shown last.
	told string
	// served is what the files held when the engine was told of them last, nil as long as none were served.
	served contents
}

// building is a build that is under way.
type building struct {
	stop context.CancelFunc
	done chan built
}

// built is what became of a build.
type built struct {
	output string
	err    error
	took   time.Duration
}

// run builds at once and after every change, until ctx ends; then it ends the build that is under way.
func (d *developer) run(ctx context.Context) {
	d.contents.update(slices.Collect(maps.Keys(d.watcher.watched().look())))
	d.build(ctx)
	for {
		select {
		case <-d.watcher.changed:
			d.changed(ctx, d.contents.update(d.watcher.takeChanges()))
		case result := <-d.done():
			d.building.stop()
			d.building = nil
			if ctx.Err() == nil {
				d.ended(ctx, result)
			}
		case <-ctx.Done():
			if d.building != nil {
				<-d.building.done
			}
			return
		}
	}
}

// done receives the end of the build that is under way; never, when there is none.
func (d *developer) done() <-chan built {
	if d.building == nil {
		return nil
	}
	return d.building.done
}

// build begins a build.
func (d *developer) build(ctx context.Context) {
	ctx, stop := context.WithCancel(ctx)
	b := &building{stop, make(chan built, 1)}
	d.building, d.again = b, false
	plan := d.plan
	go func() {
		began := time.Now()
		output, err := plan.run(ctx, d.stderr, d.tellCommand)
		b.done <- built{output, err, time.Since(began)}
	}()
}

// tellCommand tells which command runs, if that is news.
func (d *developer) tellCommand(command string) {
	if d.told == command {
		d.log.tell("", "building")
		return
	}
	d.told = command
	d.log.tell("", "building: %s", command)
}

// changed takes over changes of files, if there are any.
func (d *developer) changed(ctx context.Context, files []string) {
	if len(files) == 0 {
		d.logger().Debug("files were written and hold what they held before")
		return
	}
	d.log.tell("", "changed: %s", someOf(files))
	rebuild := true
	if config := d.files[0]; slices.Contains(files, config) {
		rebuild = len(files) > 1
		switch next, err := d.readNames(); {
		case err != nil:
			d.log.tell(red, "the configuration is refused; everything goes on as before\n%v", err)
			if !rebuild {
				return
			}
		default:
			rebuild = rebuild || d.served == nil || !next.build.equal(&d.plan)
			d.use(next)
		}
	}
	switch {
	case d.building != nil:
		d.interrupt()
	case rebuild:
		d.build(ctx)
	default:
		d.reload(ctx)
	}
}

// use takes over a configuration's plan and what it has watched.
func (d *developer) use(s *settings) {
	d.plan, d.files = s.build, s.files
	tree := newSourceTree(s)
	d.watcher.watch(tree)
	var unknown []string
	for file := range tree.look() {
		if _, known := d.contents[file]; !known {
			unknown = append(unknown, file)
		}
	}
	d.contents.update(unknown)
}

// interrupt has the build that is under way followed by another, and stopped unless that has happened too often.
func (d *developer) interrupt() {
	d.again = true
	if d.stops++; d.stops <= maxStops {
		d.building.stop()
		return
	}
	d.log.tell("", "this build may end first; if it writes these files itself, name the sources in watch of [build]")
}

// ended takes the result of a build.
func (d *developer) ended(ctx context.Context, result built) {
	switch {
	case errors.Is(result.err, context.Canceled):
	case result.err != nil:
		d.stops = 0
		d.log.tell(red, "the build failed after %s: %v", seconds(result.took), withoutCommand(result.err))
		d.show(ctx, "The build failed.", result.err, result.output)
	default:
		d.stops = 0
		d.log.tell(green, "built in %s", seconds(result.took))
		d.reload(ctx)
	}
	if d.again {
		d.build(ctx)
	}
}

// reload has the engine serve what the files hold now.
func (d *developer) reload(ctx context.Context) {
	now := contents{}
	now.update(d.files)
	if d.served != nil && maps.Equal(now, d.served) {
		d.log.tell("", "nothing that is served has changed")
		return
	}
	if err := d.reloader.reload(ctx, "a build"); err != nil {
		if ctx.Err() == nil {
			d.show(ctx, "What was built cannot be served.", err, "")
		}
		return
	}
	d.served = now
}

// show has everybody see why there is nothing to serve yet.
func (d *developer) show(ctx context.Context, what string, reason error, output string) {
	if d.served != nil {
		return
	}
	text := what + "\n\n" + lastBytes(reason.Error(), keptOutput/8) + "\n"
	if output != "" {
		text += "\n" + lastBytes(output, keptOutput/2)
	}
	d.log.quiet.Store(true)
	defer d.log.quiet.Store(false)
	config := d.unbuilt(d.reloader.current.Load(), text)
	if err := d.reloader.server.Reload(ctx, config); err != nil && !errors.Is(err, engine.ErrClosed) && ctx.Err() == nil {
		d.log.tell(red, "cannot show this in the browser: %v", err)
	}
}

//go:embed unbuilt.wasm
var unbuiltWasm []byte

// unbuilt is a configuration that has every request answered with a text.
func (d *developer) unbuilt(s *settings, text string) engine.Config {
	config := s.engine
	config.Log = d.logger()
	config.Tenants = nil
	config.Routes = []engine.Route{{
		Path: "/", Handler: engine.Module{Name: "what the build said", Wasm: unbuiltWasm}, Env: map[string]string{"OUTPUT": text},
	}}
	return config
}

func (d *developer) logger() *slog.Logger { return slog.New(d.log) }

// someOf lists the first of some files.
func someOf(files []string) string {
	const some = 3
	names := make([]string, 0, some)
	for _, file := range files[:min(len(files), some)] {
		names = append(names, filepath.ToSlash(file))
	}
	if more := len(files) - some; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names, ", "), more)
	}
	return strings.Join(names, ", ")
}
