package command

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const buildRoute = "[[route]]\nhandler = 'a.wasm'\n"

// What [build] may say, and what it may not.
func TestBuildConfig(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"string", "[build]\ncommand = 'make'", ""},
		{"array", "[build]\ncommand = ['make', '-s']", ""},
		{"braces", "build = { command = 'make', watch = ['src'], setup = { command = 'true', makes = 'x' } }", ""},
		{"no command", "[build]\nwatch = ['.']", `2:2: [build] has no command; add command = "make", or what else builds the handlers`},
		{"empty string", "[build]\ncommand = ' '", `3:11: build.command must be a string or an array of strings, such as "make" or ["make", "all"]`},
		{"empty array", "[build]\ncommand = []", `3:1: build.command must be a string or an array of strings, such as "make" or ["make", "all"]`},
		{"number", "[build]\ncommand = 3", `3:11: build.command must be a string or an array of strings, such as "make" or ["make", "all"]`},
		{"mixed array", "[build]\ncommand = ['a', 1]", `3:1: build.command must be a string or an array of strings, such as "make" or ["make", "all"]`},
		{"table", "[build.command]\nx = 1", `2:2: build.command must be a string or an array of strings, such as "make" or ["make", "all"]`},
		{"half a setup", "[build]\ncommand = 'a'\n[build.setup]\ncommand = 'b'",
			"4:2: [build.setup] needs a command, and in makes the file or folder whose absence has it run"},
		{"other half", "[build]\ncommand = 'a'\n[build.setup]\nmakes = 'b'",
			"4:2: [build.setup] needs a command, and in makes the file or folder whose absence has it run"},
		{"variable", "[build]\ncommand = 'a'\n[build.env]\n'A=B' = ''", `5:9: "A=B" cannot be a variable of an environment`},
		{"unknown key", "[build]\ncomand = 'a'", `3:1: unknown key "build.comand"; known here: command, env, setup, watch`},
		{"watch", "[build]\ncommand = 'a'\nwatch = 'src'", "4:9: build.watch must be an array of strings"},
	} {
		t.Run(test.name, func(t *testing.T) {
			writeConfig(t, "\n"+test.text+"\n"+buildRoute)
			_, err := new(settings).readFile("sluice.toml")
			switch {
			case test.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case test.want != "" && (err == nil || err.Error() != "sluice.toml:"+test.want):
				t.Errorf("\n got %v\nwant sluice.toml:%s", err, test.want)
			}
		})
	}
}

// buildHere runs `sluice build` in this process.
func buildHere(t *testing.T, args ...string) (status int, stderr string) {
	t.Helper()
	var stdout, errors bytes.Buffer
	status = Run(append([]string{"build"}, args...), strings.NewReader(""), &stdout, &errors)
	if stdout.Len() > 0 {
		t.Errorf("stdout %q", stdout.String())
	}
	return status, errors.String()
}

func TestBuild(t *testing.T) {
	for _, test := range []struct {
		name, text string
		status     int
		want       string // what is printed, without the time
	}{
		{"done", "[build]\ncommand = 'echo made > made && cat made'\n", 0, "Building: echo made > made && cat made\nmade\nBuilt in "},
		{"array", "[build]\ncommand = ['echo', '$HOME', 'a  b']\n", 0, "Building: echo $HOME a  b\n$HOME a  b\nBuilt in "},
		{"environment", "[build]\ncommand = 'echo $A$B'\n[build.env]\nB = '2'\nA = '1'\n", 0, "Building: echo $A$B\n12\nBuilt in "},
		{"setup", "[build]\ncommand = 'cat x'\n[build.setup]\ncommand = 'echo x > x'\nmakes = 'x'\n", 0,
			"Building: echo x > x\nBuilding: cat x\nx\nBuilt in "},
		{"setup done before", "[build]\ncommand = 'true'\n[build.setup]\ncommand = 'false'\nmakes = 'a.wasm'\n", 0,
			"Building: true\nBuilt in "},
		{"setup makes something else", "[build]\ncommand = 'true'\n[build.setup]\ncommand = 'true'\nmakes = 'x'\n", 1,
			"Building: true\nsluice: the setup has not made x; makes in [build.setup] names what it makes\n"},
		{"failed", "[build]\ncommand = 'echo bad; exit 3'\n", 1, "Building: echo bad; exit 3\nbad\nsluice: echo bad; exit 3: exit status 3\n"},
		{"no program", "[build]\ncommand = ['no-such-program']\n", 1,
			"Building: no-such-program\nsluice: no-such-program: exec: \"no-such-program\": executable file not found in $PATH\n"},
		{"makes something else", "[build]\ncommand = 'rm a.wasm'\n", 1,
			"Building: rm a.wasm\nsluice: rm a.wasm has ended well and not made a.wasm, which a route names as its handler\n"},
		{"reads nothing", "[build]\ncommand = 'cat'\n", 0, "Building: cat\nBuilt in "},
		{"no [build]", "", 1, "sluice: sluice.toml: there is no [build]; add [build] with command = \"make\", or what else builds the handlers\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			writeConfig(t, test.text+buildRoute)
			if status, stderr := buildHere(t); status != test.status || !strings.HasPrefix(stderr, test.want) {
				t.Errorf("\n got %d %q\nwant %d %q", status, stderr, test.status, test.want)
			}
		})
	}
}

// Commands run in the folder of the file, and paths are relative to it.
func TestBuildElsewhere(t *testing.T) {
	writeConfig(t, "[build]\ncommand = 'cat x'\n[build.setup]\ncommand = 'echo here > x'\nmakes = 'x'\n"+buildRoute)
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if status, stderr := buildHere(t, "--config", filepath.Join(folder, "sluice.toml")); status != 0 || !strings.Contains(stderr, "\nhere\n") {
		t.Errorf("got %d %s", status, stderr)
	}
	const want = "sluice: cannot read sluice.toml: no such file or directory; name a configuration file with --config, or make a project with 'sluice new'\n"
	if status, stderr := buildHere(t); status != 1 || stderr != want {
		t.Errorf("got %d %s", status, stderr)
	}
}

// What is missing is told, with where to get it.
func TestAdvice(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for _, test := range []struct{ command, output, want string }{
		{"cargo build --release", "sh: 1: cargo: not found", "cargo is not on PATH; " + getRust},
		{"mkdir -p build && clang -o x", "", "clang is not on PATH; " + getClang},
		{"GOOS=wasip1 go build", "", "go is not on PATH; " + getGo},
		{"make", "error[E0463]: can't find crate for `std`\n  = note: the `wasm32-unknown-unknown` target may not be installed",
			"the target is missing: run 'rustup target add wasm32-unknown-unknown'; on Debian: apt-get install libstd-rust-dev-wasm32"},
		{"make", "clang: error: unable to execute command: Executable \"wasm-ld\" doesn't exist!", "the linker is missing: install lld; on Debian: apt-get install lld"},
		{"make", "sh: 1: sluice-js: not found\n", "the packages are missing: run 'npm install'"},
		{"make", "error: expected ';'", ""},
		{"ergo cargos", "", ""},
	} {
		if got := advice(&buildCommand{text: test.command}, test.output); got != test.want {
			t.Errorf("%s: got %q, want %q", test.command, got, test.want)
		}
	}
}

// Of what a command prints the end is kept, as a terminal would show it.
func TestTail(t *testing.T) {
	var printed tail
	for range 10_000 {
		_, _ = printed.Write([]byte("0123456789\n"))
	}
	if got := len(printed.String()); got < keptOutput || got > 2*keptOutput {
		t.Errorf("%d bytes were kept", got)
	}
	for text, want := range map[string]string{
		"\x1b[0;1;31merror:\x1b[0m x\r\n":                     "error: x\n",
		" 10%\r 50%\r100%\n":                                  "100%\n",
		"\x1b]8;;file:///a\x1b\\link\x1b]8;;\x1b\\ \x1b(Bend": "link end",
		"a\x00b\xffc\td":                                      "a?b?c\td",
	} {
		if got := plain([]byte(text)); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := lastBytes("first\nsecond\nthird\n", 10); got != "third\n" {
		t.Errorf("got %q", got)
	}
}
