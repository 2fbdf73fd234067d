package command

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluicehttp/sluice/host/template"
)

func newNew() *cobra.Command {
	var language string
	cmd := &cobra.Command{
		Use:   "new --lang language folder",
		Short: "Begin a handler: a folder with everything to build it",
		Long: `Write a new folder with a handler that says hello, what the language's own tools need to build it, the
SDK, and a configuration file for 'sluice dev', 'sluice build' and 'sluice serve'.

The last part of the folder's path is the project's name. A folder that is there already has to be
empty.

Languages: ` + languageList() + `.`,
		Example: `  sluice new --lang rust hello
  sluice new --lang go services/hello`,
		Args: exactly(1, "new takes the folder to make, such as: sluice new --lang rust hello"),
		RunE: func(cmd *cobra.Command, args []string) error {
			lang, err := findLanguage(language)
			if err != nil {
				return err
			}
			return writeProject(cmd.OutOrStdout(), lang, args[0])
		},
	}
	cmd.Flags().StringVar(&language, "lang", "", "write it in `language`: "+strings.Join(template.Names(), "|"))
	return cmd
}

// languageList tells the languages with their names on the command line.
func languageList() string {
	var list []string
	for _, lang := range template.Languages() {
		list = append(list, fmt.Sprintf("%s (%s)", lang.Name, lang.Title))
	}
	return strings.Join(list, ", ")
}

func findLanguage(name string) (*template.Language, error) {
	if lang, found := template.Find(name); found {
		return lang, nil
	}
	known := strings.Join(template.Names(), ", ")
	if name == "" {
		return nil, usageErrorf("in which language? Choose one with --lang: %s", known)
	}
	if similar := similarLanguages(name); len(similar) > 0 {
		return nil, usageErrorf("unknown language %q; did you mean %s? There are %s", name, strings.Join(similar, " or "), known)
	}
	return nil, usageErrorf("unknown language %q; there are %s", name, known)
}

// similarLanguages are those that somebody may mean, by the search that also finds mistyped commands.
func similarLanguages(name string) []string {
	all := &cobra.Command{SuggestionsMinimumDistance: 1}
	for _, lang := range template.Languages() {
		all.AddCommand(&cobra.Command{
			Use: lang.Name, SuggestFor: append(lang.Aliases, lang.Title), Run: func(*cobra.Command, []string) {},
		})
	}
	return slices.Compact(all.SuggestionsFor(name))
}

// writeProject writes a project and says what can be done with it.
func writeProject(stdout io.Writer, lang *template.Language, folder string) error {
	path, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	name := filepath.Base(path)
	if err := template.CheckName(name); err != nil {
		return usageError{err}
	}
	build, _ := debug.ReadBuildInfo()
	files, err := lang.Files(name, programVersion(build))
	if err != nil {
		return err
	}
	if err := template.Write(path, files); err != nil {
		if inPath := (*fs.PathError)(nil); errors.As(err, &inPath) {
			err = inPath.Err
		}
		return fmt.Errorf("cannot make %s: %w", folder, err)
	}
	tellNext(stdout, lang.In(name), folder)
	return nil
}

func tellNext(w io.Writer, lang *template.Language, folder string) {
	fmt.Fprintf(w, "Made %s: %s is a handler in %s.\n", folder, filepath.Join(folder, lang.Main), lang.Title)
	for _, command := range []string{lang.Setup, lang.Build} {
		if missing := missingProgram(&buildCommand{text: command}); missing != "" {
			fmt.Fprintf(w, "To build it, %s is missing: %s.\n", missing, programs[missing])
			break
		}
	}
	fmt.Fprintln(w)
	if filepath.Clean(folder) != "." {
		fmt.Fprintf(w, "  cd %s\n", folder)
	}
	fmt.Fprint(w, `  sluice dev      builds and serves it, again whenever a source changes

or one after the other

  sluice build    builds it
  sluice serve    serves what was built
`)
}
