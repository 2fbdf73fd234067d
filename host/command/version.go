package command

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sluicehttp/sluice/engine"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show the versions of the program and its parts",
		Args:  exactly(0, "version takes no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			build, _ := debug.ReadBuildInfo()
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintf(table, "sluice\t%s\n", programVersion(build))
			fmt.Fprintf(table, "go\t%s %s/%s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
			fmt.Fprintf(table, "wazero\t%s\n", dependencyVersion(build, "github.com/tetratelabs/wazero"))
			fmt.Fprintf(table, "abi\t%s\n", engine.ABI)
			return table.Flush()
		},
	}
}

// programVersion is the module's version, else the revision it was built from, else "devel".
func programVersion(build *debug.BuildInfo) string {
	if build == nil {
		return "devel"
	}
	if v := build.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	revision, modified := "", ""
	for _, setting := range build.Settings {
		switch {
		case setting.Key == "vcs.revision":
			revision = setting.Value
		case setting.Key == "vcs.modified" && setting.Value == "true":
			modified = "+dirty"
		}
	}
	if revision == "" {
		return "devel"
	}
	return revision[:min(12, len(revision))] + modified
}

func dependencyVersion(build *debug.BuildInfo, path string) string {
	if build != nil {
		for _, dependency := range build.Deps {
			if dependency.Path == path {
				for dependency.Replace != nil {
					dependency = dependency.Replace
				}
				return dependency.Version
			}
		}
	}
	return "unknown"
}
