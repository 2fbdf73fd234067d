package command

import (
	_ "embed"

	"github.com/spf13/cobra"
)

//go:embed example.toml
var exampleConfig string

// newConfigTopic is `sluice help config`: no command, a page about the configuration file.
func newConfigTopic() *cobra.Command {
	return &cobra.Command{Use: "config", Short: "What a configuration file may say", Long: exampleConfig}
}
