package command

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluicehttp/sluice/engine"
)

// The flag wins over the variable, the variable over the file, the file over the default.
func TestPrecedence(t *testing.T) {
	const file = "server = { addr = ':1', core = 'native', grace = '1s' }\n[[route]]\nhandler = 'a.wasm'\n"
	for _, test := range []struct {
		name        string
		args        []string
		environment map[string]string
		want        settings
	}{
		{"defaults", nil, nil,
			settings{addr: "127.0.0.1:8080", grace: duration(10 * time.Second), engine: engine.Config{Core: engine.CoreWasm}}},
		{"file", []string{"--config=sluice.toml"}, nil,
			settings{addr: ":1", grace: duration(time.Second), engine: engine.Config{Core: engine.CoreNative}}},
		{"variables over file", nil,
			map[string]string{"SLUICE_CONFIG": "sluice.toml", "SLUICE_ADDR": ":2", "SLUICE_CORE": "wasm", "SLUICE_GRACE": "2s", "SLUICE_VERBOSE": "true"},
			settings{addr: ":2", grace: duration(2 * time.Second), verbose: true, engine: engine.Config{Core: engine.CoreWasm}}},
		{"flags over variables", []string{"--config=sluice.toml", "--addr=:3", "--core=native", "--grace=3s", "--verbose=false"},
			map[string]string{"SLUICE_CONFIG": "none.toml", "SLUICE_ADDR": "bad", "SLUICE_CORE": "wasm", "SLUICE_GRACE": "2s", "SLUICE_VERBOSE": "true"},
			settings{addr: ":3", grace: duration(3 * time.Second), engine: engine.Config{Core: engine.CoreNative}}},
		{"empty variables", []string{"--config=sluice.toml"},
			map[string]string{"SLUICE_ADDR": "", "SLUICE_CORE": "", "SLUICE_VERBOSE": ""},
			settings{addr: ":1", grace: duration(time.Second), engine: engine.Config{Core: engine.CoreNative}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			writeConfig(t, file)
			for name, value := range test.environment {
				t.Setenv(name, value)
			}
			var flags serveFlags
			cmd := &cobra.Command{}
			flags.add(cmd.Flags())
			if err := cmd.ParseFlags(test.args); err != nil {
				t.Fatal(err)
			}
			if err := readEnvironment(cmd, nil); err != nil {
				t.Fatal(err)
			}
			got, err := flags.settings(cmd.Flags(), "")
			if err != nil {
				t.Fatal(err)
			}
			if got.addr != test.want.addr || got.grace != test.want.grace || got.verbose != test.want.verbose || got.engine.Core != test.want.engine.Core {
				t.Errorf("\n got %+v\nwant %+v", *got, test.want)
			}
		})
	}
}

// Every flag of every command has a variable, and the help says which.
func TestHelpNamesVariables(t *testing.T) {
	for command, variables := range map[string]string{
		"":        "SLUICE_ADDR SLUICE_CONFIG SLUICE_ECHO SLUICE_CORE SLUICE_ISOLATION SLUICE_GRACE SLUICE_WATCH SLUICE_VERBOSE",
		"serve":   "SLUICE_ADDR SLUICE_CONFIG SLUICE_ECHO SLUICE_CORE SLUICE_ISOLATION SLUICE_GRACE SLUICE_WATCH SLUICE_VERBOSE",
		"trace":   "SLUICE_ROLE SLUICE_METHOD SLUICE_EOF SLUICE_SPLIT SLUICE_CORE",
		"inspect": "SLUICE_JSON",
		"version": "",
	} {
		var help bytes.Buffer
		if status := Run(append(strings.Fields(command), "--help"), nil, &help, &help); status != 0 {
			t.Errorf("%s --help: status %d", command, status)
		}
		var got []string
		for line := range strings.Lines(help.String()) {
			if _, rest, found := strings.Cut(line, "[SLUICE_"); found {
				name, _, _ := strings.Cut(rest, "]")
				got = append(got, "SLUICE_"+name)
			}
		}
		if strings.Join(got, " ") != variables {
			t.Errorf("%s --help names %v, want %s", command, got, variables)
		}
	}
}
