package command

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// buildTable is [build]: how handlers are made of their sources.
type buildTable struct {
	// Command is a string, for a shell, or an array of strings: a program and its arguments.
	Command any `toml:"command"`
	// Env is added to the environment of both commands.
	Env   map[string]string `toml:"env"`
	Setup setupTable        `toml:"setup"`
	// Watch are files and folders with sources.
	Watch []string `toml:"watch"`
}

// setupTable is [build.setup]: what has to be done once before anything can be built.
type setupTable struct {
	Command any `toml:"command"`
	// Makes is a file or folder. The command runs when it is not there.
	Makes string `toml:"makes"`
}

// buildPlan is how to build: a [build] that was checked.
type buildPlan struct {
	// folder is that of the configuration file, where commands run.
	folder         string
	command, setup buildCommand
	env            []string
	makes          string
	// watch are the files and folders whose changes `sluice dev` waits for.
	watch []string
	// handlers are the files that have to be there in the end.
	handlers []string
}

// buildCommand is a program and its arguments.
type buildCommand struct {
	args []string
	// text is the command as people read it.
	text string
}

// plan gives the file's plan for its handlers; it has no command when there is no [build].
func (t *buildTable) plan(source *source, handlers []string) (buildPlan, error) {
	if !source.has("build") {
		return buildPlan{}, nil
	}
	plan := buildPlan{folder: filepath.Dir(source.path), makes: source.relative(t.Setup.Makes), handlers: handlers}
	var err error
	if plan.command, err = commandAt("build.command", t.Command, source); err != nil {
		return plan, err
	}
	if plan.setup, err = commandAt("build.setup.command", t.Setup.Command, source); err != nil {
		return plan, err
	}
	switch {
	case plan.command.empty():
		return plan, source.errorAt("build.command", `[build] has no command; add command = "make", or what else builds the handlers`)
	case plan.setup.empty() != (plan.makes == ""):
		return plan, source.errorAt("build.setup",
			"[build.setup] needs a command, and in makes the file or folder whose absence has it run")
	}
	for _, name := range slices.Sorted(maps.Keys(t.Env)) {
		if name == "" || strings.ContainsAny(name, "=\x00") || strings.Contains(t.Env[name], "\x00") {
			return plan, source.errorAt("build.env."+strings.ToLower(name), "%q cannot be a variable of an environment", name)
		}
		plan.env = append(plan.env, name+"="+t.Env[name])
	}
	if len(t.Watch) == 0 {
		t.Watch = []string{"."}
	}
	for _, path := range t.Watch {
		plan.watch = append(plan.watch, source.relative(path))
	}
	return plan, nil
}

// commandAt reads the command of a key; one that is not given is empty.
func commandAt(key string, value any, source *source) (buildCommand, error) {
	switch value := value.(type) {
	case nil:
		return buildCommand{}, nil
	case string:
		if strings.TrimSpace(value) != "" {
			return shell(value), nil
		}
	case []any:
		if args := stringsOf(value); len(args) > 0 && args[0] != "" {
			return buildCommand{args, strings.Join(args, " ")}, nil
		}
	}
	return buildCommand{}, source.errorAt(key,
		`%s must be a string or an array of strings, such as "make" or ["make", "all"]`, key)
}

// stringsOf gives the strings of an array of nothing else.
func stringsOf(array []any) (all []string) {
	for _, element := range array {
		text, isString := element.(string)
		if !isString {
			return nil
		}
		all = append(all, text)
	}
	return all
}

// shell is a command that the system's shell reads.
func shell(text string) buildCommand {
	if runtime.GOOS == "windows" {
		return buildCommand{[]string{"cmd", "/C", text}, text}
	}
	return buildCommand{[]string{"sh", "-c", text}, text}
}

func (c *buildCommand) empty() bool { return len(c.args) == 0 }

// needsSetup reports whether what the setup makes is missing.
func (p *buildPlan) needsSetup() bool {
	if p.setup.empty() {
		return false
	}
	return isMissing(p.makes)
}

// checkMade looks for handlers that are not there after a build.
func (p *buildPlan) checkMade() error {
	for _, file := range p.handlers {
		if isMissing(file) {
			return fmt.Errorf("%s has ended well and not made %s, which a route names as its handler", p.command.text, file)
		}
	}
	return nil
}

func isMissing(file string) bool {
	_, err := os.Stat(file)
	return errors.Is(err, fs.ErrNotExist)
}

// equal reports whether another plan builds the same.
func (p *buildPlan) equal(other *buildPlan) bool {
	return p.folder == other.folder && p.makes == other.makes && slices.Equal(p.handlers, other.handlers) &&
		slices.Equal(p.env, other.env) &&
		slices.Equal(p.command.args, other.command.args) && slices.Equal(p.setup.args, other.setup.args)
}
