// Package template writes new projects: the hello example of a language, the SDK that it needs, and the few files with
// which the language's own tools build it.
//
// languages.go says what a project in each language is made of, write.go puts it into a folder, name.go says what a project
// can be called. What belongs to no example lies in files/.
package template

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	texttemplate "text/template"
)

//go:embed all:files
var files embed.FS

// Language is a language that projects can be written in.
type Language struct {
	// Name is what it is called on the command line, Title what people call it. Aliases are what they may try instead.
	Name, Title string
	Aliases     []string
	// Tools says what has to be installed; it goes on after "You need".
	Tools string
	// Main is the file to begin with.
	Main string
	// Build is the command that builds the handler, with the variables that it needs, and Handler the file that it makes.
	Build    string
	BuildEnv []Variable
	Handler  string
	// Setup is a command that has to run before that, once, until SetupMakes is there; empty where there is none.
	Setup, SetupMakes string
	// Watch are the files and folders with sources.
	Watch []string
	// Ignore are what tools make, for .gitignore.
	Ignore []string

	parts []part
}

// Variable is one of an environment.
type Variable struct{ Name, Value string }

// part is where some files of a project come from.
type part struct {
	from fs.FS
	// root is a folder in from, or a single file; to is its place in the project.
	root, to string
	// adjust are pairs of what stands in a file and what a project has instead. Each has to be there.
	adjust []string
	// edit changes a file otherwise, nil for none that is.
	edit func(file string, text []byte) ([]byte, error)
}

// project is what the templates in files/ know.
type project struct {
	Language
	Name, Version string
}

// SDK is the folder of a project that holds the SDK.
func (project) SDK() string { return sdkFolder }

const sdkFolder = "sluice-sdk"

// Command is the whole command that builds, as one writes it in a shell.
func (l *Language) Command() string {
	var command strings.Builder
	for _, variable := range l.BuildEnv {
		fmt.Fprintf(&command, "%s=%s ", variable.Name, variable.Value)
	}
	return command.String() + l.Build
}

// In gives the language as it is for a project of a name.
func (l Language) In(name string) *Language {
	l.Handler = strings.ReplaceAll(l.Handler, "CRATE", strings.ReplaceAll(name, "-", "_"))
	return &l
}

// Files are the files of a new project by their paths, which have slashes. The version is that of the program.
func (l *Language) Files(name, version string) (map[string][]byte, error) {
	p := &project{Language: *l.In(name), Name: name, Version: version}
	all := map[string][]byte{}
	for _, part := range append([]part{{from: files, root: "files/common"}}, l.parts...) {
		if err := part.add(all, p); err != nil {
			return nil, fmt.Errorf("the project for %s: %w", l.Title, err)
		}
	}
	return all, nil
}

// add adds the part's files.
func (p *part) add(all map[string][]byte, project *project) error {
	return fs.WalkDir(p.from, p.root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || isOurs(file) {
			return err
		}
		text, err := fs.ReadFile(p.from, file)
		if err != nil {
			return err
		}
		to, isTemplate := strings.CutSuffix(path.Join(p.to, below(p.root, file)), ".tmpl")
		switch {
		case isTemplate:
			text, err = expand(file, text, project)
		case p.edit != nil:
			text, err = p.edit(file, text)
		default:
			text, err = p.adjusted(file, text, project)
		}
		all[to] = text
		return err
	})
}

// below is the path of a file as seen from a folder; nothing when they are the same.
func below(folder, file string) string {
	if folder == "." {
		return file
	}
	return strings.TrimPrefix(strings.TrimPrefix(file, folder), "/")
}

// isOurs reports whether a file of an SDK is for those who work on it, not for those who use it.
func isOurs(file string) bool {
	switch first, _, _ := strings.Cut(file, "/"); first {
	case "conformance", "misuse", "test", "testdata", "embed.go":
		return true
	}
	return strings.HasSuffix(file, "_test.go") || strings.Contains(file, ".test") || strings.HasSuffix(file, ".sh")
}

// expand fills in a template.
func expand(name string, text []byte, project *project) ([]byte, error) {
	parsed, err := texttemplate.New(name).Funcs(texttemplate.FuncMap{"quote": strconv.Quote}).Parse(string(text))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = parsed.Execute(&out, project)
	return out.Bytes(), err
}

// adjusted puts into a file of an example what is otherwise in a project of its own.
func (p *part) adjusted(file string, text []byte, project *project) ([]byte, error) {
	for pair := range slices.Chunk(p.adjust, 2) {
		old, replacement := []byte(pair[0]), strings.ReplaceAll(pair[1], "NAME", project.Name)
		if !bytes.Contains(text, old) {
			return nil, fmt.Errorf("%s does not hold %q", file, old)
		}
		text = bytes.ReplaceAll(text, old, []byte(replacement))
	}
	return text, nil
}

// Languages are all that projects can be written in.
func Languages() []Language { return languages }

// Find gives the language of a name.
func Find(name string) (*Language, bool) {
	for i := range languages {
		if languages[i].Name == name {
			return &languages[i], true
		}
	}
	return nil, false
}

// Names are the names of all languages.
func Names() (names []string) {
	for i := range languages {
		names = append(names, languages[i].Name)
	}
	return names
}
