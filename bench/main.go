// Command bench measures Sluice beside other HTTP servers, all in one run on one machine. README.md says how and why.
//
// Its files, top down: main (the command line), compare (the rounds), process (a server, seen from the parent), server
// (the same, seen from inside), rivals (the table of servers), load (the load generator), response (its parser), start
// (how soon a server answers), parse (parsers without a server), sandbox (what isolation and metering cost), report
// (tables and raw data), stats (medians and spreads).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

const usageText = `usage: go run ./bench [flags]              compare servers under load
       go run ./bench js [flags]           the same of handlers in JavaScript, beside workerd
       go run ./bench start [flags]        measure how soon the started program answers
       go run ./bench parse [flags]        measure the core's parser beside llhttp and net/http
       go run ./bench sandbox [flags]      measure what isolation and metering cost, and what neighbours do
       go run ./bench server NAME [flags]  run one of the servers: it prints its address, tells what it has used
                                           so far for every line on stdin, and ends when stdin does

flags:
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	if ctx.Err() != nil {
		err = errors.New("interrupted") // whatever failed, failed because of it
	}
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == "start" {
		return start(ctx, args[1:])
	}
	if len(args) > 0 && args[0] == "parse" {
		return compareParsers(ctx, args[1:])
	}
	if len(args) > 0 && args[0] == "sandbox" {
		return measureSandbox(ctx, args[1:])
	}
	if len(args) > 0 && args[0] == "server" {
		return server(ctx, args[1:])
	}
	if len(args) > 0 && args[0] == "js" {
		return compare(ctx, scripts, args[1:])
	}
	return compare(ctx, hellos, args)
}

// options are the flags of a comparison.
type options struct {
	Connections int
	Duration    time.Duration
	WarmUp      time.Duration
	Rounds      int

	short, guard               bool
	only, json, profiles, wasm string
}

func parseOptions(args []string) (*options, error) {
	o := &options{}
	flags := newFlags("bench")
	flags.IntVar(&o.Connections, "connections", 64, "keep `N` connections busy")
	flags.DurationVar(&o.Duration, "duration", 500*time.Millisecond, "measure each server for `TIME` in each round")
	flags.DurationVar(&o.WarmUp, "warm-up", 200*time.Millisecond, "load it for `TIME` before that")
	flags.IntVar(&o.Rounds, "rounds", 15, "go round all servers `N` times")
	flags.BoolVar(&o.short, "short", false, "7 rounds of 300ms unless other flags say otherwise")
	flags.BoolVar(&o.guard, "guard", false, "fail when sandboxed Sluice does less per CPU second than net/http")
	flags.StringVar(&o.only, "only", "", "measure only the servers `NAME,...`")
	flags.StringVar(&o.json, "json", "", "write raw data to `FILE`")
	flags.StringVar(&o.profiles, "cpuprofile", "", "have every server write its CPU profile into `DIR`; slows them")
	wasmFlag(flags, &o.wasm)
	if err := parse(flags, args); err != nil {
		return nil, err
	}
	if o.short {
		o.shorten(flags)
	}
	return o, o.check()
}

// shorten changes what no flag has set.
func (o *options) shorten(flags *flag.FlagSet) {
	set := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { set[f.Name] = true })
	if !set["rounds"] {
		o.Rounds = 7
	}
	if !set["duration"] {
		o.Duration = 300 * time.Millisecond
	}
}

func (o *options) check() error {
	switch {
	case o.Connections < 1 || o.Connections > 10000:
		return fmt.Errorf("%d connections; it can be 1 to 10000", o.Connections)
	case o.Rounds < 1 || o.Rounds > 1000:
		return fmt.Errorf("%d rounds; it can be 1 to 1000", o.Rounds)
	case o.Duration < 10*time.Millisecond || o.Duration > 10*time.Minute:
		return fmt.Errorf("a duration of %v; it can be 10ms to 10m", o.Duration)
	case o.WarmUp < 0 || o.WarmUp > 10*time.Minute:
		return fmt.Errorf("a warm-up of %v; it can be 0s to 10m", o.WarmUp)
	}
	return nil
}

func newFlags(name string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // main tells what is wrong, in one line
	flags.Usage = func() {}
	return flags
}

func wasmFlag(flags *flag.FlagSet, dir *string) {
	flags.StringVar(dir, "wasm", "build", "take handlers from `DIR`")
}

// parse takes flags and nothing else. Asked for help, it prints it and returns flag.ErrHelp.
func parse(flags *flag.FlagSet, args []string) error {
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(os.Stdout)
		fmt.Print(usageText)
		flags.PrintDefaults()
	}
	if err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%q is neither a flag nor a subcommand; --help lists both", flags.Arg(0))
	}
	return nil
}
