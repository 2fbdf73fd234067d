// Package command is sluice's command line. It reads flags, variables and files, calls package engine's public
// interface, and prints; what HTTP and WebAssembly need is decided there, not here.
package command

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Exit statuses.
const (
	exitDone   = 0
	exitFailed = 1 // what was asked for could not be done
	exitUsage  = 2 // the arguments, flags or variables do not make sense
)

// Run executes the command line args and returns the exit status. Errors are one line on stderr.
func Run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.Execute()
	if err == nil {
		return exitDone
	}
	fmt.Fprintf(stderr, "sluice: %s\n", strings.ReplaceAll(err.Error(), "\n", " "))
	if usage := (usageError{}); errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

func newRoot() *cobra.Command {
	root := newServe()
	root.Use = "sluice"
	root.Short = "Serve HTTP with handlers compiled to WebAssembly"
	root.Long = root.Short + ".\nWithout a command it serves what sluice.toml or --config says, an echo, or a built-in welcome page."
	root.Example = `  sluice new --lang rust hello         begin a handler in a folder of its own
  sluice dev                           build and serve it, again whenever a source changes
  sluice                               serve what sluice.toml says, or the welcome page
  sluice --echo                        answer every request with its body
  sluice serve hello.wasm              serve a handler
  sluice --config sluice.toml          serve routes from a file
  sluice trace < request.http          show how a request is read
  sluice inspect hello.wasm            check a handler without serving it`
	root.Args = noArguments
	root.PersistentPreRunE = readEnvironment
	root.SilenceErrors = true
	root.SilenceUsage = true
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SuggestionsMinimumDistance = 2
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(
		newNew(), newDev(), newBuild(), newTest(), newServe(), newTrace(), newInspect(), newVersion(), newConfigTopic(), newCompileModule(),
	)

	nameVariables(root.Flags())
	for _, command := range root.Commands() {
		nameVariables(command.Flags())
	}
	return root
}

// noArguments refuses what follows a bare `sluice`: a mistyped command, or a handler without its command.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if strings.HasSuffix(args[0], ".wasm") {
		return usageErrorf("unknown command %q; to serve a handler: sluice serve %s", args[0], args[0])
	}
	if similar := cmd.SuggestionsFor(args[0]); len(similar) > 0 {
		return usageErrorf("unknown command %q; did you mean %s?", args[0], strings.Join(similar, " or "))
	}
	return usageErrorf("unknown command %q; see 'sluice --help'", args[0])
}

// exactly wants count arguments; otherwise problem says what is wrong.
func exactly(count int, problem string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != count {
			return usageErrorf("%s", problem)
		}
		return nil
	}
}

// usageError is an error in how the program was called.
type usageError struct{ error }

func usageErrorf(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

func flagError(cmd *cobra.Command, err error) error {
	if bad := (*pflag.InvalidValueError)(nil); errors.As(err, &bad) {
		return badValue("--"+bad.GetFlag().Name, bad.GetFlag(), bad.GetValue(), bad.Unwrap())
	}
	return usageErrorf("%w; see '%s --help'", err, cmd.CommandPath())
}

// badValue says that a flag's value, given by source, is none that the flag takes.
func badValue(source string, flag *pflag.Flag, value string, err error) error {
	if flag.Value.Type() == "bool" {
		err = errors.New("must be true or false")
	}
	return usageErrorf("invalid value %q for %s: %w", value, source, err)
}
