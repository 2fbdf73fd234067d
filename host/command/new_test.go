package command

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/sluicehttp/sluice/host/template"
)

// What keeps a project from being made, and that nothing is left of it then.
func TestNewErrors(t *testing.T) {
	all := strings.Join(template.Names(), ", ")
	for _, test := range []struct {
		args   string
		status int
		want   string
	}{
		{"new", 2, "new takes the folder to make, such as: sluice new --lang rust hello"},
		{"new a b", 2, "new takes the folder to make, such as: sluice new --lang rust hello"},
		{"new hello", 2, "in which language? Choose one with --lang: " + all},
		{"new hello --lang golang", 2, `unknown language "golang"; did you mean go? There are ` + all},
		{"new hello --lang GO", 2, `unknown language "GO"; did you mean go? There are ` + all},
		{"new hello --lang cobol", 2, `unknown language "cobol"; there are ` + all},
		{"new Hello --lang go", 2, `"Hello" cannot be a name: it may have lower-case letters and digits, a letter first, hyphens and` +
			` underscores between them, and 64 characters at most; try hello`},
		{"new some/sluice --lang go", 2, `"sluice" means something else to some tools; try my-sluice`},
		{"new full --lang go", 1, "cannot make full: it is not empty; choose another name, or remove what is in it"},
		{"new file --lang go", 1, "cannot make file: not a directory"},
		{"new file/hello --lang go", 1, "cannot make file/hello: not a directory"},
	} {
		t.Run(test.args, func(t *testing.T) {
			t.Chdir(t.TempDir())
			fill(t, "file", "full/precious")
			var stdout, stderr bytes.Buffer
			status := Run(strings.Fields(test.args), strings.NewReader(""), &stdout, &stderr)
			if want := "sluice: " + test.want + "\n"; status != test.status || stderr.String() != want || stdout.Len() > 0 {
				t.Errorf("\n got %d %s\nwant %d %sstdout %q", status, stderr.String(), test.status, want, stdout.String())
			}
			if entries, err := os.ReadDir("."); err != nil || len(entries) != 2 {
				t.Errorf("in the folder are %v, %v", entries, err)
			}
			if entries, err := os.ReadDir("full"); err != nil || len(entries) != 1 {
				t.Errorf("in the full folder are %v, %v", entries, err)
			}
		})
	}
}

// A project is written to a new folder, below others that are new, or to an empty one, and told of.
func TestNew(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("empty", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"hello", "some/where/hello", "empty"} {
		var stdout, stderr bytes.Buffer
		if status := Run([]string{"new", "--lang", "c", folder}, strings.NewReader(""), &stdout, &stderr); status != 0 {
			t.Fatalf("%s: %d %s", folder, status, stderr.String())
		}
		if want := "\n  cd " + folder + "\n  sluice dev "; !strings.Contains(stdout.String(), want) {
			t.Errorf("%s: got %s, want %q in it", folder, stdout.String(), want)
		}
		if _, err := os.Stat(folder + "/sluice.toml"); err != nil {
			t.Error(err)
		}
	}
	t.Chdir("hello")
	if _, err := readPlan("sluice.toml"); err != nil {
		t.Error(err)
	}
}
