package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sluicehttp/sluice/engine"
)

// startTime is how long a program may take from its start to its first answer.
const startTime = 2 * time.Minute

// beginning is one start of the program.
type beginning struct {
	Listening time.Duration `json:"listening_ns"`
	Answered  time.Duration `json:"answered_ns"`
}

// beginnings are the starts of the program in one way.
type beginnings struct {
	Core   engine.Core `json:"core"`
	Cache  string      `json:"cache"`
	Starts []beginning `json:"starts"`
}

// start is the subcommand that measures how soon the program answers after its start.
func start(ctx context.Context, args []string) error {
	var path, wasm string
	var rounds int
	flags := newFlags("bench start")
	flags.StringVar(&path, "json", "", "write raw data to `FILE`")
	flags.IntVar(&rounds, "rounds", 5, "start it `N` times in each way")
	wasmFlag(flags, &wasm)
	if err := parse(flags, args); err != nil {
		return err
	}
	if rounds < 1 || rounds > 1000 {
		return fmt.Errorf("%d rounds; it can be 1 to 1000", rounds)
	}
	all, err := measureStarts(ctx, filepath.Join(wasm, "hello-c.wasm"), rounds)
	if err != nil {
		return err
	}
	writeStarts(os.Stdout, all, rounds)
	if path == "" {
		return nil
	}
	return writeJSON(path, struct {
		Machine machine      `json:"machine"`
		Ways    []beginnings `json:"ways"`
	}{thisMachine(), all})
}

// measureStarts starts the program with each core, first without compiled modules, then with those of that start.
func measureStarts(ctx context.Context, handler string, rounds int) ([]beginnings, error) {
	if _, err := os.Stat(handler); err != nil {
		return nil, fmt.Errorf("there is no %s; run ./build.sh examples", handler)
	}
	scratch, err := os.MkdirTemp("", "sluice-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(scratch)
	program, err := buildProgram(ctx, scratch)
	if err != nil {
		return nil, err
	}
	all := []beginnings{
		{Core: engine.CoreWasm, Cache: "cold"},
		{Core: engine.CoreWasm, Cache: "warm"},
		{Core: engine.CoreNative, Cache: "cold"},
		{Core: engine.CoreNative, Cache: "warm"},
	}
	for round := range rounds {
		fmt.Fprintf(os.Stderr, "round %d of %d\n", round+1, rounds)
		for i := range all {
			way := &all[i]
			// A cold start fills the cache of the warm one that follows it.
			cache := filepath.Join(scratch, fmt.Sprintf("cache-%s-%d", way.Core, round))
			b, err := startOnce(ctx, programCommand(ctx, program, cache, way.Core, handler))
			if err != nil {
				return nil, fmt.Errorf("start with %s core and %s cache: %w", way.Core, way.Cache, err)
			}
			way.Starts = append(way.Starts, b)
		}
	}
	return all, nil
}

// buildProgram builds ./host as a user does.
func buildProgram(ctx context.Context, dir string) (string, error) {
	program := filepath.Join(dir, "sluice")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", program, "github.com/sluicehttp/sluice/host")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return "", fmt.Errorf("building ./host: %w", err)
	}
	return program, nil
}

// programCommand starts the program with a cache of its own and without the user's settings.
func programCommand(ctx context.Context, program, cache string, core engine.Core, handler string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, "serve", handler, "--addr", "127.0.0.1:0", "--core", string(core))
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SLUICE_") })
	// The directory for caches is XDG_CACHE_HOME, or in HOME where that is not known.
	cmd.Env = append(cmd.Env, "XDG_CACHE_HOME="+cache, "HOME="+cache)
	cmd.Stderr = os.Stderr
	return cmd
}

// startOnce starts a program, asks it once, and ends it.
func startOnce(ctx context.Context, cmd *exec.Cmd) (beginning, error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return beginning{}, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return beginning{}, err
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	late := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer late()

	address, err := readAddress(stdout)
	if err != nil {
		return beginning{}, err
	}
	listening := time.Since(began)
	c, err := dialClient(ctx, address)
	if err != nil {
		return beginning{}, err
	}
	defer c.conn.Close()
	if err := c.conn.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return beginning{}, err
	}
	_, _, err = c.exchange()
	return beginning{Listening: listening, Answered: time.Since(began)}, err
}

// readAddress finds the URL that a program prints, and gives its host and port.
func readAddress(stdout io.Reader) (string, error) {
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		at := strings.Index(lines.Text(), "http://")
		if at < 0 {
			continue
		}
		address, err := url.Parse(strings.TrimSpace(lines.Text()[at:]))
		if err != nil {
			return "", err
		}
		return address.Host, nil
	}
	return "", errors.New("the program ended before it printed its address")
}

// writeStarts prints the table of starts.
func writeStarts(w io.Writer, all []beginnings, rounds int) {
	m := thisMachine()
	fmt.Fprintf(w, "sluice serve with a C handler, %d starts each, %d processors, %s %s/%s\n",
		rounds, m.Processors, m.Go, m.OS, m.Arch)
	fmt.Fprint(w, "median of milliseconds since the process was started; in brackets the least and the most\n\n")
	t := newTable(w, "core", "cache", "listening", "", "first answer", "")
	for _, way := range all {
		milliseconds := func(of func(beginning) time.Duration) summary {
			return summarize(each(way.Starts, func(_ int, b beginning) float64 { return of(b).Seconds() * 1e3 }))
		}
		listening := milliseconds(func(b beginning) time.Duration { return b.Listening })
		answered := milliseconds(func(b beginning) time.Duration { return b.Answered })
		t.row(string(way.Core), way.Cache,
			fmt.Sprintf("%.1f", listening.median), fmt.Sprintf("[%.1f-%.1f]", listening.min, listening.max),
			fmt.Sprintf("%.1f", answered.median), fmt.Sprintf("[%.1f-%.1f]", answered.min, answered.max))
	}
	t.end()
}
