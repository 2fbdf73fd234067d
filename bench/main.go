// Command bench measures Sluice beside other HTTP servers, all in one run on one machine. README.md says how and why.
//
// Its packages, top down: this one (the command line), measure (rounds, and what servers use), report (tables, plots and bars),
// rivals (the servers) and server (those of them that are written in Go), workloads (what they are asked), load (who asks), micro
// (what is measured without servers).
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := command().ExecuteContext(ctx)
	if ctx.Err() != nil {
		err = errors.New("interrupted") // whatever failed, failed because of it
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	root := compareCommand()
	root.AddCommand(
		reportCommand(),
		onlyCommand("js", "Compare handlers in JavaScript", "javascript"),
		onlyCommand("start", "Measure how soon servers answer after their start", "start"),
		parseCommand(),
		sandboxCommand(),
	)
	root.SilenceErrors, root.SilenceUsage = true, true // main tells what is wrong, in one line
	root.CompletionOptions.DisableDefaultCmd = true
	return root
}
