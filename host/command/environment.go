package command

import (
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Every flag has a variable that stands in for it: SLUICE_CORE for --core. The flag on the command line wins over its
// variable, and the variable over the configuration file. An empty variable is none.

// variableOf names the variable of a flag.
func variableOf(flag *pflag.Flag) string {
	return "SLUICE_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
}

// nameVariables adds to the help of each flag the variable that stands in for it.
func nameVariables(flags *pflag.FlagSet) {
	flags.VisitAll(func(flag *pflag.Flag) {
		flag.Usage += " [" + variableOf(flag) + "]"
	})
}

// readEnvironment gives the flags that are not on the command line the values of their variables. Such a flag counts as
// changed, so that nothing later tells it from one on the command line.
func readEnvironment(cmd *cobra.Command, _ []string) error {
	var failed error
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		value := os.Getenv(variableOf(flag))
		if flag.Changed || flag.Name == "help" || value == "" || failed != nil {
			return
		}
		if err := flag.Value.Set(value); err != nil {
			failed = badValue(variableOf(flag), flag, value, err)
		}
		flag.Changed = true
	})
	return failed
}
