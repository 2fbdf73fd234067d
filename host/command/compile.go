package command

import (
	"github.com/spf13/cobra"

	"github.com/sluicehttp/sluice/engine"
)

// compileModule is the command that serve and inspect start to have a handler compiled.
const compileModule = "compile-module"

// compiler is this program.
func compiler() (engine.Compiler, error) {
	program, err := engine.ThisProgram(compileModule)
	return engine.Compiler{Program: program}, err
}

// newCompileModule is not for people: it talks to the engine that has started it.
func newCompileModule() *cobra.Command {
	return &cobra.Command{
		Use:    compileModule,
		Short:  "Compile the handler on standard input, as the engine asks",
		Hidden: true,
		Args:   exactly(0, compileModule+" takes no arguments; the engine starts it"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return engine.RunCompiler(cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
}
