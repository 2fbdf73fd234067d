package command

import (
	"context"
	"io"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sluicehttp/sluice/engine"
)

func newDev() *cobra.Command {
	flags := serveFlags{core: coreName(engine.CoreWasm), grace: duration(10 * time.Second)}
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Build and serve, again whenever a source changes",
		Long: `Build the handlers as [build] in the configuration file says, serve its routes, and do so again
whenever a source or the file itself changes. No connection is dropped: new requests go to what is
new at once, those under way end as they began. When a build fails, its output is shown and what
was there goes on serving. Until a first build has succeeded every request is answered 503 with
that output.

What is watched are the files and folders that watch in [build] names; without it the file's folder
with everything in it but handlers, node_modules, target, zig-out, zig-cache and what is hidden. What
changes during a build stops it and has it begin anew.

Building runs commands that the file's author chose: build only what you trust.`,
		Example: `  sluice dev
  sluice dev --addr 127.0.0.1:3000
  sluice dev --config site/sluice.toml`,
		Args: exactly(0, "dev takes no arguments; name a configuration file with --config"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return dev(cmd.Context(), &flags, cmd.Flags(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags.addForDev(cmd.Flags())
	return cmd
}

// addForDev adds those flags of serve that make sense here.
func (f *serveFlags) addForDev(flags *pflag.FlagSet) {
	flags.SortFlags = false
	flags.TextVar(&f.addr, "addr", defaultAddr, addrUsage)
	flags.StringVar(&f.config, "config", defaultConfig, configUsage)
	flags.BoolVar(&f.verbose, "verbose", false, "log details and show the cache directory")
}

// dev builds and serves until a signal comes and the requests under way have ended.
func dev(ctx context.Context, flags *serveFlags, set *pflag.FlagSet, stdout, stderr io.Writer) error {
	s, err := flags.fromFile(set, (*settings).useNames)
	if err != nil {
		return noConfig(err)
	}
	if s.build.command.empty() {
		return errNoBuild(s.source)
	}
	d := &developer{
		stderr: stderr, log: newDevLog(stderr, s.verbose), plan: s.build, files: s.files, contents: contents{},
		readNames: func() (*settings, error) { return flags.fromFile(set, (*settings).useNames) },
	}
	s.engine.Log = d.logger()
	if d.watcher, err = newWatcher(newSourceTree(s), "name the sources in watch of [build]", d.logger()); err != nil {
		return err
	}
	defer d.watcher.close()
	server, err := engine.New(ctx, d.unbuilt(s, "The handler is being built.\n"))
	if err != nil {
		return s.locate(err)
	}
	listener, err := listen(ctx, string(s.addr))
	if err != nil {
		_ = server.Close(ctx)
		return err
	}
	d.reloader.server = server
	d.reloader.read = func() (*settings, error) { return flags.settings(set, "") }
	d.reloader.current.Store(s)
	signals := notifyEnd()
	signal.Notify(signals, syscall.SIGHUP) // the terminal was closed
	defer signal.Stop(signals)

	announce(stdout, s, listener.Addr())
	working, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.run(working)
	}()
	return serveUntil(ctx, server, listener, signals, nil, stdout, func() duration {
		stop()
		<-ended
		return d.reloader.current.Load().grace
	})
}
