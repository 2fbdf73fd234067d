package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluicehttp/sluice/engine"
)

func newServe() *cobra.Command {
	var flags serveFlags
	cmd := &cobra.Command{
		Use:   "serve [handler.wasm]",
		Short: "Serve a handler, or the routes of a configuration file",
		Long: `Serve a handler, the routes of a configuration file, an echo, or without any of them a built-in
welcome page. The echo answers every request with the body and the Content-Type that came with it.
Without arguments the configuration file is sluice.toml, where there is one in the current folder;
--config "" leaves it out.

A flag wins over its variable, the variable over the configuration file. SIGINT and SIGTERM
let the requests under way end; a second signal stops at once. SIGHUP has the handler, or the
configuration file and its handlers, read again: new requests go to what is new at once, and what
is broken changes nothing. --watch does the same whenever one of these files changes. The SIGHUP
of a terminal that is closed ends the program, like SIGTERM.`,
		Example: `  sluice serve hello.wasm
  sluice serve hello.wasm --addr :80
  sluice serve --echo
  sluice serve hello.wasm --watch
  sluice serve --config sluice.toml --verbose`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageErrorf("serve takes one handler, not %d; list several as routes in a file and name it with --config", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			handler := ""
			if len(args) == 1 {
				handler = args[0]
			}
			flags.pickUp(cmd.Flags(), handler)
			read := func() (*settings, error) { return flags.settings(cmd.Flags(), handler) }
			return serve(cmd.Context(), read, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags.add(cmd.Flags())
	return cmd
}

// serve serves what the settings say that read gives, now and when they are to be read again, until a signal comes and the
// requests under way have ended.
func serve(ctx context.Context, read func() (*settings, error), stdout, stderr io.Writer) error {
	s, err := read()
	if err != nil {
		return err
	}
	s.engine.Log = newLog(stderr, s.verbose)
	server, err := engine.New(ctx, s.engine)
	if err != nil {
		return s.locate(err)
	}
	listener, err := listen(ctx, string(s.addr))
	if err != nil {
		_ = server.Close(ctx)
		return err
	}
	reloads, err := newReloader(ctx, s, read, server)
	if err != nil {
		_ = listener.Close()
		_ = server.Close(ctx)
		return err
	}
	defer reloads.stop()
	signals := notifyEnd()
	defer signal.Stop(signals)

	announce(stdout, s, listener.Addr())
	return serveUntil(ctx, server, listener, signals, reloads.gone, stdout, func() duration {
		reloads.stop()
		return reloads.current.Load().grace
	})
}

// notifyEnd has the signals come that ask the program to end.
func notifyEnd() chan os.Signal {
	// What reads stdout may end first, as tee does on the same Ctrl+C; that must not end the requests.
	signal.Ignore(syscall.SIGPIPE)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	return signals
}

// serveUntil serves until a signal comes or gone is closed, and the requests under way have ended. Before they are waited for,
// it calls stop, which says how long they have.
func serveUntil(ctx context.Context, server *engine.Engine, listener net.Listener, signals <-chan os.Signal, gone <-chan struct{},
	stdout io.Writer, stop func() (grace duration)) error {
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serving %s ended: %w", listener.Addr(), err)
	case <-signals:
	case <-gone:
	}
	grace := time.Duration(stop())
	fmt.Fprintf(stdout, "Draining: requests under way have %s to end. Press Ctrl+C again to stop at once.\n", grace)
	return drain(ctx, server.Close, grace, signals)
}

// drain closes gracefully, for as long as grace allows and no further signal comes.
func drain(ctx context.Context, closeServer func(context.Context) error, grace time.Duration, signals <-chan os.Signal) error {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	closed := make(chan error, 1)
	go func() { closed <- closeServer(ctx) }()
	select {
	case err := <-closed:
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("requests were cut: they did not end within %s; allow more with --grace", grace)
		}
		return err
	case <-signals:
		return errors.New("requests were cut: a second signal came before they ended")
	}
}

func newLog(stderr io.Writer, verbose bool) *slog.Logger {
	level := slog.LevelInfo
	if verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
}
