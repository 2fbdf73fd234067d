package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluicehttp/sluice/bench/measure"
	"github.com/sluicehttp/sluice/bench/micro"
)

// reportCommand makes reports of what was measured before.
func reportCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "report FILE",
		Short: "Make tables and plots of raw data that --json has kept",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			results, err := measure.Read(args[0])
			if err != nil {
				return err
			}
			return show(results, out)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "write a report with plots into `DIR`")
	return cmd
}

// microFlags are the flags of what is measured without servers.
type microFlags struct {
	rounds   int
	duration time.Duration
	json     string
}

func parseCommand() *cobra.Command {
	return microCommand("parse", "Measure the core's parser beside llhttp and net/http", microFlags{rounds: 7, duration: 300 * time.Millisecond},
		func(ctx context.Context, site *micro.Site, f *microFlags) error {
			return micro.Parsers(ctx, site, f.rounds, f.duration, f.json)
		})
}

func sandboxCommand() *cobra.Command {
	var only string
	cmd := microCommand("sandbox", "Measure what isolation and metering cost, and what neighbours do",
		microFlags{rounds: 5, duration: 500 * time.Millisecond},
		func(ctx context.Context, site *micro.Site, f *microFlags) error {
			return micro.Sandbox(ctx, site, only, f.rounds, f.duration, f.json)
		})
	cmd.Flags().StringVar(&only, "only", "", "run only the benchmarks whose title begins with `WORD`")
	return cmd
}

// microCommand has benchmarks run that stand beside the code they measure.
func microCommand(use, short string, f microFlags, run func(context.Context, *micro.Site, *microFlags) error) *cobra.Command {
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.rounds < 1 || f.rounds > 1000 || f.duration < time.Millisecond || f.duration > time.Minute {
				return fmt.Errorf("%d rounds of %v; it can be 1 to 1000 of 1ms to 1m", f.rounds, f.duration)
			}
			root, err := repository(cmd.Context())
			if err != nil {
				return err
			}
			scratch, err := os.MkdirTemp("", "sluice-bench-")
			if err != nil {
				return err
			}
			defer os.RemoveAll(scratch)
			return run(cmd.Context(), &micro.Site{Root: root, Scratch: scratch}, &f)
		},
	}
	cmd.Flags().IntVar(&f.rounds, "rounds", f.rounds, "run every benchmark `N` times")
	cmd.Flags().DurationVar(&f.duration, "duration", f.duration, "let each run last `TIME`")
	cmd.Flags().StringVar(&f.json, "json", "", "write raw data to `FILE`")
	return cmd
}

// onlyCommand is a comparison of one workload, by the name of which it is called.
func onlyCommand(use, short, workload string) *cobra.Command {
	cmd := compareCommand(workload)
	cmd.Use, cmd.Short, cmd.Long = use, short, short+"."
	return cmd
}
