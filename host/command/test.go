package command

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sluicehttp/sluice/engine"
	"github.com/sluicehttp/sluice/engine/handlertest"
)

// testFlags are the flags of test.
type testFlags struct {
	suites    []string
	only      string
	isolation isolation
	core      coreName
	limits    []string
	args, env []string
	timeout   duration
	verbose   bool
	list      bool
	asJSON    bool
}

func newTest() *cobra.Command {
	var flags testFlags
	cmd := &cobra.Command{
		Use:   "test handler.wasm",
		Short: "Play transcripts of requests and answers against a handler",
		Long: `Play transcripts against a handler: what peers send, and what is due. The handler runs in its
sandbox, in a real engine, without a network.

Suites are built in, such as http, which every handler has to pass, and those of the examples; or
they are files that you write. docs/testing.md says how. The exit status is 1 when a case failed,
and 2 when the handler cannot be loaded or a suite not be read.`,
		Example: `  sluice test hello.wasm
  sluice test hello.wasm --suite hello --suite http
  sluice test hello.wasm --suite ./hello.transcript.md --run greet
  sluice test --list`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 && !(flags.list && len(args) == 0) {
				return usageErrorf("test takes one handler: sluice test handler.wasm")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if flags.list {
				return flags.showSuites(cmd.OutOrStdout())
			}
			return flags.test(cmd, args[0])
		},
	}
	flags.add(cmd.Flags())
	return cmd
}

func (f *testFlags) add(flags *pflag.FlagSet) {
	flags.SortFlags = false
	flags.StringArrayVar(&f.suites, "suite", nil, "play the suite `name|file`, more than one if given repeatedly (default http)")
	flags.StringVar(&f.only, "run", "", "play only cases whose suite/title matches `pattern`")
	f.isolation, f.core, f.timeout = isolation(engine.IsolateRequests), coreName(engine.CoreWasm), duration(5*time.Second)
	flags.TextVar(&f.isolation, "isolation", f.isolation, "who shares an instance of the handler: `request|connection|shared`")
	flags.TextVar(&f.core, "core", f.core, coreUsage)
	flags.StringArrayVar(&f.limits, "limit", nil, "set a limit, `key=value` as in [limits] of a configuration file")
	flags.StringArrayVar(&f.args, "arg", nil, "give the handler an `argument`")
	flags.StringArrayVar(&f.env, "env", nil, "give the handler a variable, `name=value`")
	flags.TextVar(&f.timeout, "timeout", f.timeout, "wait at most `duration` for what is due")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "show what each case took, the log, and what the handler heard and did")
	flags.BoolVar(&f.list, "list", false, "list the suites, or with --suite their cases, and play nothing")
	flags.BoolVar(&f.asJSON, "json", false, "print JSON")
}

// test plays what the flags say. What keeps it from that has the status of a wrong usage, so that a failed case alone has 1.
func (f *testFlags) test(cmd *cobra.Command, path string) error {
	setup, suites, err := f.setup(path)
	if err != nil {
		return usageError{err}
	}
	out := cmd.OutOrStdout()
	if !f.asJSON {
		setup.Each = func(result handlertest.Result) { f.showResult(out, &result) }
	}
	began := time.Now()
	results, err := handlertest.Check(cmd.Context(), setup, suites...)
	if err != nil {
		return usageError{err}
	}
	if len(results) == 0 {
		return usageErrorf("no case matches %q; see 'sluice test --list'", f.only)
	}
	failed := 0
	for i := range results {
		if !results[i].Passed() {
			failed++
		}
	}
	if f.asJSON {
		err = showResultsJSON(out, path, results, failed)
	} else {
		_, err = fmt.Fprintf(out, "%s: %d passed, %d failed (%s)\n", path, len(results)-failed, failed, round(time.Since(began)))
	}
	if err == nil && failed > 0 {
		err = fmt.Errorf("%s failed %d of %d cases", path, failed, len(results))
	}
	return err
}

// setup reads the handler and the suites.
func (f *testFlags) setup(path string) (setup handlertest.Setup, suites []*handlertest.Suite, err error) {
	setup = handlertest.Setup{
		Args: f.args, Isolation: engine.Isolation(f.isolation), Core: engine.Core(f.core), Timeout: time.Duration(f.timeout),
		CacheDir: defaultCacheDir(),
	}
	if setup.Env, err = f.environment(); err != nil {
		return setup, nil, err
	}
	if setup.Only, err = regexp.Compile(f.only); err != nil {
		return setup, nil, badPattern(err)
	}
	if err = f.setLimits(&setup.Limits); err != nil {
		return setup, nil, err
	}
	if suites, err = f.open([]string{handlertest.Default}); err != nil {
		return setup, nil, err
	}
	if setup.Handler, err = readModule(path, "name a handler, a .wasm file"); err != nil {
		return setup, nil, err
	}
	setup.Compiler, err = compiler()
	setup.Compiler.Time = testCompileTime
	return setup, suites, err
}

// testCompileTime is more than a server allows: who tests a handler waits for it, and may have a machine that is busy.
const testCompileTime = time.Minute

func badPattern(err error) error {
	return fmt.Errorf("invalid value for --run: %w; a pattern is a regular expression of Go", err)
}

func (f *testFlags) environment() (map[string]string, error) {
	env := map[string]string{}
	for _, variable := range f.env {
		name, value, found := strings.Cut(variable, "=")
		if !found || name == "" {
			return nil, fmt.Errorf("invalid value %q for --env: must be name=value", variable)
		}
		env[name] = value
	}
	return env, nil
}

// setLimits sets limits by their keys in the configuration file.
func (f *testFlags) setLimits(limits *engine.Limits) error {
	known := (&limitsTable{}).values(limits)
	for _, limit := range f.limits {
		key, text, _ := strings.Cut(limit, "=")
		i := slices.IndexFunc(known, func(v value) bool { return v.key == key })
		if i < 0 {
			return fmt.Errorf("invalid value %q for --limit: there is no limit %q; see [limits] in 'sluice help config'", limit, key)
		}
		if err := known[i].target.UnmarshalText([]byte(text)); err != nil {
			return fmt.Errorf("invalid value %q for --limit: %s %w", limit, key, err)
		}
	}
	return nil
}

// open reads the suites that the flags name, or those that there are otherwise.
func (f *testFlags) open(otherwise []string) (suites []*handlertest.Suite, err error) {
	names := f.suites
	if len(names) == 0 {
		names = otherwise
	}
	for _, name := range names {
		suite, err := handlertest.Open(name)
		if err != nil {
			return nil, err
		}
		suites = append(suites, suite)
	}
	return suites, nil
}

// showSuites lists suites with what they are about, or the cases of those that the flags name.
func (f *testFlags) showSuites(w io.Writer) error {
	only, err := regexp.Compile(f.only)
	if err != nil {
		return usageError{badPattern(err)}
	}
	suites, err := f.open(handlertest.Names())
	if err != nil {
		return usageError{err}
	}
	for _, suite := range suites {
		if len(f.suites) == 0 {
			fmt.Fprintf(w, "%s: %d cases\n    %s\n", suite.Name, len(suite.Cases), suite.About)
			continue
		}
		for _, c := range suite.Cases {
			if only.MatchString(c.Name()) {
				fmt.Fprintf(w, "%s  %s\n", c.Place(), c.Name())
			}
		}
	}
	return nil
}

// showResult prints a line for a case, and what was wrong with it.
func (f *testFlags) showResult(w io.Writer, result *handlertest.Result) {
	word := "ok  "
	if !result.Passed() {
		word = "FAIL"
	}
	fmt.Fprintf(w, "%s  %s", word, result.Case.Name())
	if f.verbose {
		fmt.Fprintf(w, "  (%s, cpu %s, memory %d KiB)", round(result.Took), round(result.CPU), result.Memory>>10)
	}
	fmt.Fprintln(w)
	if !result.Passed() {
		fmt.Fprint(w, indented(result.Failure))
		return
	}
	if f.verbose {
		for _, line := range slices.Concat(result.Log, result.Heard) {
			fmt.Fprint(w, indented(line+"\n"))
		}
	}
}

// indented moves every line that is not empty to the right.
func indented(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if line != "\n" {
			out.WriteString("      ")
		}
		out.WriteString(line)
	}
	return out.String()
}

// round leaves of a time what is worth reading.
func round(d time.Duration) time.Duration {
	switch {
	case d > time.Second:
		return d.Round(10 * time.Millisecond)
	case d > time.Millisecond:
		return d.Round(100 * time.Microsecond)
	}
	return d.Round(time.Microsecond)
}

// showResultsJSON prints a report for programs. Times are in milliseconds, memory in bytes.
func showResultsJSON(w io.Writer, path string, results []handlertest.Result, failed int) error {
	type result struct {
		Suite   string   `json:"suite"`
		Case    string   `json:"case"`
		Place   string   `json:"place"`
		Passed  bool     `json:"passed"`
		Failure string   `json:"failure,omitempty"`
		Took    float64  `json:"took_ms"`
		CPU     float64  `json:"cpu_ms"`
		Memory  int64    `json:"memory"`
		Log     []string `json:"log"`
		Heard   []string `json:"heard"`
	}
	list := make([]result, len(results))
	for i := range results {
		r := &results[i]
		list[i] = result{
			Suite: r.Case.Suite.Name, Case: r.Case.Title, Place: r.Case.Place(), Passed: r.Passed(), Failure: r.Failure,
			Took: milliseconds(r.Took), CPU: milliseconds(r.CPU), Memory: r.Memory, Log: append([]string{}, r.Log...),
			Heard: append([]string{}, r.Heard...),
		}
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(struct {
		Module string   `json:"module"`
		Passed int      `json:"passed"`
		Failed int      `json:"failed"`
		Cases  []result `json:"cases"`
	}{path, len(results) - failed, failed, list})
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
