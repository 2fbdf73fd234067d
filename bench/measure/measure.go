// Package measure has servers answer and takes what it costs them.
//
// Its files, top down: measure (a comparison), workload (its rounds), start, idle and neighbour (what is measured otherwise),
// usage (what a server and the machine have used), results (what is kept), stats (medians and spreads), machine (what figures
// depend on).
package measure

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/sluicehttp/sluice/bench/rivals"
	"github.com/sluicehttp/sluice/bench/workloads"
)

// Options say what is measured, and for how long.
type Options struct {
	Workloads []workloads.Workload
	Runs      []string // by name, of workloads.Runs
	Servers   []rivals.Server
	// Named says that somebody has asked for these servers: one that cannot be had is an error then.
	Named bool
	// Rounds is how often each server has a turn, Paced how often latencies are taken; 0: never.
	Rounds, Paced int
	// Duration and WarmUp are those of a turn.
	Duration, WarmUp time.Duration
	// Site is where servers find what they need. Its scratch folder is for all of them.
	Site rivals.Site
	// Tell is told what goes on.
	Tell func(format string, args ...any)
}

// occasions is how often that is measured which takes long: a quarter of the rounds.
func (o *Options) occasions() int { return (o.Rounds + 3) / 4 }

// Run measures what the options say. Servers that fail are noted, and do not keep the others from being measured.
func Run(ctx context.Context, o *Options) (*Results, error) {
	c, err := begin(ctx, o)
	if err != nil {
		return nil, err
	}
	for rest := c.Workloads; len(rest) > 0; {
		size := 1
		for size < len(rest) && rest[0].Group != "" && rest[size].Group == rest[0].Group {
			size++
		}
		if err := c.group(ctx, rest[:size]); err != nil {
			return nil, err
		}
		rest = rest[size:]
	}
	for _, name := range c.Runs {
		if err := c.run(ctx, name); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return c.results, nil
}

// comparison is one that goes on.
type comparison struct {
	*Options
	results *Results          // so far
	missing map[string]string // the reasons of servers that cannot be had
}

// begin asks every server for its version, and so learns which of them there are.
func begin(ctx context.Context, o *Options) (*comparison, error) {
	machine, err := ThisMachine()
	if err != nil {
		return nil, err
	}
	results := &Results{Machine: machine, Duration: o.Duration, WarmUp: o.WarmUp, Profiled: o.Site.Profiles != ""}
	c := &comparison{Options: o, results: results, missing: map[string]string{}}
	for _, server := range o.Servers {
		info := ServerInfo{Name: server.Name, About: server.About}
		info.Version, err = server.Version(ctx, &o.Site)
		if reason, missing := rivals.IsMissing(err); missing && !o.Named {
			c.missing[server.Name] = reason
			info.Missing = reason
			o.Tell("%s cannot be had: %s", server.Name, reason)
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", server.Name, err)
		}
		results.Servers = append(results.Servers, info)
	}
	return c, nil
}

// runs are what is measured in a way of its own, and the variants that take part.
var runs = map[string]struct {
	run      func(*comparison, context.Context, []*entrant) error
	general  bool // all servers that are no variants take part, if they say hello
	without  string
	variants []string
}{
	// Sluice is started as it is shipped.
	"start":     {run: (*comparison).starts, general: true, without: "sluice", variants: []string{"sluice-serve", "sluice-tenants-100"}},
	"idle":      {run: (*comparison).idle, general: true},
	"neighbour": {run: (*comparison).neighbour, variants: []string{"sluice-spinning"}},
}

// Wants reports whether a server takes part in something that is measured in a way of its own.
func Wants(run string, s *rivals.Server) bool {
	if s.Variant {
		return slices.Contains(runs[run].variants, s.Name)
	}
	return runs[run].general && s.Name != runs[run].without && s.Answers(workloads.Hello)
}

// run does what is measured in a way of its own.
func (c *comparison) run(ctx context.Context, name string) error {
	hello := workloads.Table[0]
	hello.Name = name
	var in []*entrant
	for i := range c.Servers {
		if s := &c.Servers[i]; Wants(name, s) && c.missing[s.Name] == "" {
			in = append(in, &entrant{workload: &hello, server: s})
		}
	}
	defer func() {
		for _, e := range in {
			e.end()
		}
	}()
	err := runs[name].run(c, ctx, in)
	for _, e := range in {
		if e.failed != nil {
			c.results.Failed = append(c.results.Failed, fmt.Sprintf("%s, %s: %v", name, e.server.Name, e.failed))
		}
	}
	return errors.Join(err, ctx.Err())
}

// start starts a server with an empty folder of its own.
func (c *comparison) start(ctx context.Context, e *entrant) error {
	site := c.Site
	var err error
	if site.Scratch, err = os.MkdirTemp(c.Site.Scratch, filepath.Base(e.server.Name)+"-"); err != nil {
		return err
	}
	e.scratch = site.Scratch
	e.process, err = e.server.Start(ctx, &site)
	return err
}

// end ends a server, if it was started, and removes what it has written.
func (e *entrant) end() {
	if e.process != nil {
		e.process.End()
		e.process = nil
	}
	if e.scratch != "" {
		_ = os.RemoveAll(e.scratch)
	}
}
