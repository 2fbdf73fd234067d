package command

import (
	"bytes"
	"strings"
	"testing"
)

// What goes wrong before the engine has anything to do with it.
func TestErrors(t *testing.T) {
	const taken = "a handler and a configuration file exclude each other, because the file's routes name the handlers;" +
		" leave out the handler, or --config and SLUICE_CONFIG"
	const handlerAndEcho = "a handler and --echo exclude each other, because the echo is a handler;" +
		" leave out the handler, or --echo and SLUICE_ECHO"
	const configAndEcho = "a configuration file and --echo exclude each other, because the file's routes name the handlers;" +
		" leave out --config and SLUICE_CONFIG, or --echo and SLUICE_ECHO"
	for _, test := range []struct {
		args, variable string
		status         int
		want           string
	}{
		{"srve", "", 2, `unknown command "srve"; did you mean serve?`},
		{"hello.wasm", "", 2, `unknown command "hello.wasm"; to serve a handler: sluice serve hello.wasm`},
		{"frobnicate", "", 2, `unknown command "frobnicate"; see 'sluice --help'`},
		{"--port 80", "", 2, `unknown flag: --port; see 'sluice --help'`},
		{"serve --port 80", "", 2, `unknown flag: --port; see 'sluice serve --help'`},
		{"serve --addr", "", 2, `flag needs an argument: --addr; see 'sluice serve --help'`},

		{"serve a.wasm b.wasm", "", 2, "serve takes one handler, not 2; list several as routes in a file and name it with --config"},
		{"serve a.wasm --config sluice.toml", "", 2, taken},
		{"serve a.wasm", "SLUICE_CONFIG=sluice.toml", 2, taken},
		{"serve a.wasm --echo", "", 2, handlerAndEcho},
		{"serve a.wasm", "SLUICE_ECHO=true", 2, handlerAndEcho},
		{"serve --echo --config sluice.toml", "", 2, configAndEcho},
		{"--echo", "SLUICE_CONFIG=sluice.toml", 2, configAndEcho},
		{"--config sluice.toml", "SLUICE_ECHO=1", 2, configAndEcho},
		{"--echo a.wasm", "", 2, `unknown command "a.wasm"; to serve a handler: sluice serve a.wasm`},
		{"--echo=perhaps", "", 2, `invalid value "perhaps" for --echo: must be true or false`},
		{"serve none.wasm", "", 1, "cannot read none.wasm: no such file or directory; name a handler, a .wasm file"},
		{"serve .", "", 1, "cannot read .: is a directory; name a handler, a .wasm file"},
		{"--config none.toml", "", 1, "cannot read none.toml: no such file or directory; name a configuration file with --config"},
		{"--config sluice.toml", "", 1, "sluice.toml: there are no routes; add a [[route]] with the handler that answers"},

		{"serve", "", 1, "sluice.toml: there are no routes; add a [[route]] with the handler that answers"},
		{"", "", 1, "sluice.toml: there are no routes; add a [[route]] with the handler that answers"},
		{"dev", "", 1, "sluice.toml: there are no routes; add a [[route]] with the handler that answers"},
		{"dev a.wasm", "", 2, "dev takes no arguments; name a configuration file with --config"},
		{"build a.wasm", "", 2, "build takes no arguments; name a configuration file with --config"},
		{"dev --config none.toml", "", 1, "cannot read none.toml: no such file or directory; name a configuration file with --config," +
			" or make a project with 'sluice new'"},

		{"--addr 8080", "", 2, `invalid value "8080" for --addr: must be host:port, such as 127.0.0.1:8080, [::1]:8080, or :8080 for every interface`},
		{"--addr :99999", "", 2, `invalid value ":99999" for --addr: must be host:port, such as 127.0.0.1:8080, [::1]:8080, or :8080 for every interface`},
		{"--core foo", "", 2, `invalid value "foo" for --core: must be wasm or native`},
		{"--isolation none", "", 2, `invalid value "none" for --isolation: must be request, connection or shared`},
		{"--config sluice.toml --isolation shared", "", 2, "--isolation is for a handler, and in a configuration file each route has its own;" +
			" leave out --isolation and SLUICE_ISOLATION, and write isolation in the file"},
		{"--grace 10", "", 2, `invalid value "10" for --grace: must be a positive duration with its unit, such as 500ms, 10s or 2m`},
		{"--verbose=maybe", "", 2, `invalid value "maybe" for --verbose: must be true or false`},
		{"serve", "SLUICE_CORE=foo", 2, `invalid value "foo" for SLUICE_CORE: must be wasm or native`},
		{"", "SLUICE_VERBOSE=maybe", 2, `invalid value "maybe" for SLUICE_VERBOSE: must be true or false`},

		{"trace --split -1", "", 2, `invalid value "-1" for --split: must be a number of bytes, 1 or more, or 0 for all at once`},
		{"trace --role proxy", "", 2, `invalid value "proxy" for --role: must be server or client`},
		{"trace --core foo", "", 2, `invalid value "foo" for --core: must be wasm or native`},
		{"trace", "SLUICE_SPLIT=x", 2, `invalid value "x" for SLUICE_SPLIT: must be a number of bytes, 1 or more, or 0 for all at once`},
		{"trace request.http", "", 2, "trace takes no arguments; give the bytes on standard input"},

		{"inspect", "", 2, "inspect takes one handler: sluice inspect handler.wasm"},
		{"inspect none.wasm", "", 1, "cannot read none.wasm: no such file or directory; name a handler, a .wasm file"},
		{"version 1", "", 2, "version takes no arguments"},
	} {
		t.Run(test.args+" "+test.variable, func(t *testing.T) {
			writeConfig(t, "")
			if name, value, found := strings.Cut(test.variable, "="); found {
				t.Setenv(name, value)
			}
			var stdout, stderr bytes.Buffer
			status := Run(strings.Fields(test.args), strings.NewReader(""), &stdout, &stderr)
			if want := "sluice: " + test.want + "\n"; status != test.status || stderr.String() != want || stdout.Len() > 0 {
				t.Errorf("\n got %d %s\nwant %d %sstdout %q", status, stderr.String(), test.status, want, stdout.String())
			}
		})
	}
}
