package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluicehttp/sluice/bench/measure"
	"github.com/sluicehttp/sluice/bench/report"
	"github.com/sluicehttp/sluice/bench/rivals"
	"github.com/sluicehttp/sluice/bench/workloads"
)

// compareFlags are the flags of a comparison.
type compareFlags struct {
	workloads, servers []string
	rounds, paced      int
	duration, warmUp   time.Duration

	short, guard              bool
	json, out, build, profile string
}

// compareCommand compares servers under some workloads unless others are asked for; under all if none are given.
func compareCommand(names ...string) *cobra.Command {
	f := &compareFlags{}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Compare servers under load",
		Long:  "Compares servers under load. Without flags: all workloads and all servers that can be had.\n\n" + listing(),
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return compare(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&f.workloads, "workloads", names, "only these, `NAME,...`")
	flags.StringSliceVar(&f.servers, "servers", nil, "only these, `NAME,...`")
	flags.IntVar(&f.rounds, "rounds", 40, "give each server a turn `N` times; a quarter of that where it takes long")
	flags.IntVar(&f.paced, "paced", 2, "measure latencies at a constant rate `N` times")
	flags.DurationVar(&f.duration, "duration", 60*time.Millisecond, "measure each server for `TIME` in each round")
	flags.DurationVar(&f.warmUp, "warm-up", 15*time.Millisecond, "load it for `TIME` before that")
	flags.BoolVar(&f.short, "short", false, "a few workloads, servers that need no long installation, 20 rounds, no latencies")
	flags.BoolVar(&f.guard, "guard", false, "fail when Sluice is far below its bars, and is so again with more rounds")
	flags.StringVar(&f.json, "json", "", "write raw data to `FILE`")
	flags.StringVar(&f.out, "out", "", "write a report with plots into `DIR`")
	flags.StringVar(&f.build, "build", "", "take what build.sh makes from `DIR` (default build/ of the repository)")
	flags.StringVar(&f.profile, "cpuprofile", "", "have servers in Go write their CPU profiles into `DIR`; slows them")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if f.short {
			f.shorten(flags.Changed)
		}
		return f.check()
	}
	return cmd
}

// listing names what can be chosen.
func listing() string {
	var text strings.Builder
	text.WriteString("Workloads:\n")
	for _, w := range workloads.Table {
		fmt.Fprintf(&text, "  %-20s %s\n", w.Name, w.About)
	}
	for _, r := range workloads.Runs {
		fmt.Fprintf(&text, "  %-20s %s\n", r.Name, r.About)
	}
	text.WriteString("\nServers:\n")
	for _, s := range rivals.Table {
		fmt.Fprintf(&text, "  %-20s %s\n", s.Name, s.About)
	}
	return text.String()
}

// shorten changes what no flag has set.
func (f *compareFlags) shorten(set func(string) bool) {
	if !set("rounds") {
		f.rounds = 20
	}
	if !set("paced") {
		f.paced = 0
	}
}

func (f *compareFlags) check() error {
	switch {
	case f.rounds < 1 || f.rounds > 1000:
		return fmt.Errorf("%d rounds; it can be 1 to 1000", f.rounds)
	case f.paced < 0 || f.paced > 1000:
		return fmt.Errorf("%d rounds of latencies; it can be 0 to 1000", f.paced)
	case f.duration < 10*time.Millisecond || f.duration > 10*time.Minute:
		return fmt.Errorf("a duration of %v; it can be 10ms to 10m", f.duration)
	case f.warmUp < 0 || f.warmUp > 10*time.Minute:
		return fmt.Errorf("a warm-up of %v; it can be 0s to 10m", f.warmUp)
	}
	return nil
}

// compare is the command without a subcommand.
func compare(ctx context.Context, f *compareFlags) error {
	options, clean, err := f.options(ctx)
	if err != nil {
		return err
	}
	defer clean()
	results, err := measure.Run(ctx, options)
	if err != nil {
		return err
	}
	if f.json != "" {
		if err := measure.WriteJSON(f.json, results); err != nil {
			return err
		}
	}
	if err := show(results, f.out); err != nil {
		return err
	}
	if failures := results.Failures(); len(failures) > 0 {
		return errors.New("not measured:\n  " + strings.Join(failures, "\n  "))
	}
	if f.guard {
		return guard(ctx, options, results)
	}
	return nil
}

// guard fails when Sluice is far below its bars. Noise must not make it fail: what failed is measured again, with more rounds.
func guard(ctx context.Context, options *measure.Options, results *measure.Results) error {
	found, err := report.Guard(results)
	if err != nil || found.Err() == nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "\n%v\nThis is measured again, with more rounds.\n\n", found.Err())
	again := *options
	again.Rounds = 2*options.Rounds + 1
	again.Runs = nil
	again.Workloads = slices.DeleteFunc(slices.Clone(options.Workloads), func(w workloads.Workload) bool {
		return !slices.Contains(found.Workloads, w.Name)
	})
	if results, err = measure.Run(ctx, &again); err != nil {
		return err
	}
	report.Text(os.Stdout, results)
	if found, err = report.Guard(results); err != nil {
		return err
	}
	return found.Err()
}

// options are what the flags say, with a folder for servers that clean removes.
func (f *compareFlags) options(ctx context.Context) (o *measure.Options, clean func(), err error) {
	o = &measure.Options{Rounds: f.rounds, Paced: f.paced, Duration: f.duration, WarmUp: f.warmUp, Named: len(f.servers) > 0}
	o.Tell = func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
	if o.Workloads, o.Runs, err = f.choose(); err != nil {
		return nil, nil, err
	}
	if o.Servers, err = f.chosenServers(o.Workloads, o.Runs); err != nil {
		return nil, nil, err
	}
	scratch, err := os.MkdirTemp("", "sluice-bench-")
	if err != nil {
		return nil, nil, err
	}
	clean = func() { _ = os.RemoveAll(scratch) }
	o.Site, err = newSite(ctx, scratch, f.build, f.profile)
	if err != nil {
		clean()
		return nil, nil, err
	}
	return o, clean, nil
}

// choose takes the workloads and the runs that are named; all if none are.
func (f *compareFlags) choose() (chosen []workloads.Workload, runs []string, err error) {
	names := workloads.Names()
	for _, name := range f.workloads {
		if !slices.Contains(names, name) {
			return nil, nil, fmt.Errorf("there is no workload %q; there are %s", name, strings.Join(names, ", "))
		}
	}
	for _, w := range workloads.Table {
		if slices.Contains(f.workloads, w.Name) || len(f.workloads) == 0 && (w.Short || !f.short) {
			chosen = append(chosen, w)
		}
	}
	for _, r := range workloads.Runs {
		if slices.Contains(f.workloads, r.Name) || len(f.workloads) == 0 && !f.short {
			runs = append(runs, r.Name)
		}
	}
	return chosen, runs, nil
}

// chosenServers leaves out those that no chosen workload wants.
func (f *compareFlags) chosenServers(of []workloads.Workload, runs []string) (chosen []rivals.Server, err error) {
	for _, name := range f.servers {
		if _, err := rivals.Named(name); err != nil {
			return nil, err
		}
	}
	for _, s := range rivals.Table {
		wanted := func(w workloads.Workload) bool { return w.Wants(s.Name, s.Variant) }
		run := func(name string) bool { return measure.Wants(name, &s) }
		switch {
		case len(f.servers) > 0 && !slices.Contains(f.servers, s.Name), f.short && s.Long && len(f.servers) == 0:
		case slices.ContainsFunc(of, wanted), slices.ContainsFunc(runs, run):
			chosen = append(chosen, s)
		}
	}
	if len(chosen) == 0 {
		return nil, errors.New("none of these servers takes part in these workloads")
	}
	return chosen, nil
}

// newSite builds the programs: the servers that are written in Go, and Sluice as it is shipped.
func newSite(ctx context.Context, scratch, build, profiles string) (rivals.Site, error) {
	root, err := repository(ctx)
	if err != nil {
		return rivals.Site{}, err
	}
	site := rivals.Site{Root: root, Build: build, Scratch: scratch, Program: filepath.Join(scratch, "server")}
	if site.Cache = filepath.Join(scratch, "cache"); os.Mkdir(site.Cache, 0o700) != nil {
		return site, errors.New("the folder for what is compiled cannot be made in " + scratch)
	}
	if site.Build == "" {
		site.Build = filepath.Join(root, "build")
	}
	if profiles != "" {
		if site.Profiles, err = filepath.Abs(profiles); err != nil {
			return site, err
		}
		if err := os.MkdirAll(site.Profiles, 0o755); err != nil {
			return site, err
		}
	}
	return site, errors.Join(goBuild(ctx, filepath.Join(root, "bench"), site.Program, "./server"),
		goBuild(ctx, root, filepath.Join(scratch, "sluice"), "./host"))
}

// repository finds the folder of the repository, which the program has to be run in, there or in bench.
func repository(ctx context.Context) (string, error) {
	const module = "github.com/sluicehttp/sluice"
	list := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Path}} {{.Dir}}")
	out, err := list.Output()
	path, dir, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	switch {
	case err == nil && path == module:
		return dir, nil
	case err == nil && path == module+"/bench":
		return filepath.Dir(dir), nil
	default:
		return "", errors.New("this is not the repository of Sluice: run it there, by ./build.sh bench")
	}
}

func goBuild(ctx context.Context, dir, program, pkg string) error {
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", program, pkg)
	build.Dir, build.Stderr = dir, os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("building %s: %w", pkg, err)
	}
	return nil
}

// show prints the report, and writes it with plots if a folder is given.
func show(results *measure.Results, out string) error {
	report.Text(os.Stdout, results)
	if out == "" {
		return nil
	}
	return report.Write(out, results)
}
