package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// defaultConfig is the configuration file of the folder in which the program is started.
const defaultConfig = "sluice.toml"

const configUsage = "take `file`, in whose folder commands run; see 'sluice help config'"

func newBuild() *cobra.Command {
	var config string
	cmd := &cobra.Command{
		Use:   "build",
		Short: "Build the handlers, as the configuration file says",
		Long: `Run the command of [build] in the configuration file, in the folder of that file. What [build.setup]
makes is made first when it is missing.

Building runs commands that the file's author chose: build only what you trust.`,
		Example: `  sluice build
  sluice build --config site/sluice.toml`,
		Args: exactly(0, "build takes no arguments; name a configuration file with --config"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			plan, err := readPlan(config)
			if err != nil {
				return err
			}
			return runBuild(cmd.Context(), &plan, cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&config, "config", defaultConfig, configUsage)
	return cmd
}

// readPlan reads how to build.
func readPlan(config string) (buildPlan, error) {
	var s settings
	if _, err := s.readFile(config); err != nil {
		return buildPlan{}, noConfig(err)
	}
	if s.build.command.empty() {
		return buildPlan{}, errNoBuild(s.source)
	}
	return s.build, nil
}

func errNoBuild(source *source) error {
	return source.errorf(`there is no [build]; add [build] with command = "make", or what else builds the handlers`)
}

// noConfig tells newcomers what the file is that is missing.
func noConfig(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w, or make a project with 'sluice new'", err)
	}
	return err
}

// runBuild builds, and stops building at a signal.
func runBuild(ctx context.Context, plan *buildPlan, stderr io.Writer) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	began := time.Now()
	tell := func(command string) { fmt.Fprintf(stderr, "Building: %s\n", command) }
	if _, err := plan.run(ctx, stderr, tell); err != nil {
		if ctx.Err() != nil {
			return errors.New("the build was stopped")
		}
		return err
	}
	fmt.Fprintf(stderr, "Built in %s\n", seconds(time.Since(began)))
	return nil
}

// seconds is a time as people tell it.
func seconds(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}
