package template

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	sdkas "github.com/sluicehttp/sluice/sdk-as"
	sdkjs "github.com/sluicehttp/sluice/sdk-js"
)

func TestCheckName(t *testing.T) {
	for name, want := range map[string]string{
		"hello": "", "hello-2": "", "a_b-c": "", strings.Repeat("a", maxName): "",
		"": "choose another", "-": "choose another", "Hello": "try hello", "My  App!": "try my-app", "1st": "try st", "a.b": "try a-b",
		"a--b": "try a-b", "héllo": "try h-llo", strings.Repeat("a", maxName+1): "choose another",
		"sluice": "try my-sluice", "test": "try my-test", "con": "try my-con", "fn": "try my-fn",
	} {
		err := CheckName(name)
		if (err == nil) != (want == "") || err != nil && !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", name, err, want)
		}
	}
}

// A project in each language has what every project has, its handler, and nothing that is only ours.
func TestFiles(t *testing.T) {
	for _, lang := range Languages() {
		files, err := lang.Files("my-name", "1.2.3")
		if err != nil {
			t.Error(err)
			continue
		}
		for _, file := range []string{"README.md", "sluice.toml", ".gitignore", "sluice-sdk/README.md", lang.Main} {
			if len(files[file]) == 0 {
				t.Errorf("%s: %s is missing", lang.Name, file)
			}
		}
		for file, text := range files {
			if isOurs(file) || strings.HasSuffix(file, ".tmpl") || !fs.ValidPath(file) {
				t.Errorf("%s: there is %s", lang.Name, file)
			}
			if inSDK := strings.HasPrefix(file, sdkFolder+"/"); !inSDK && strings.Contains(string(text), "../") {
				t.Errorf("%s: %s leads out of the project:\n%s", lang.Name, file, text)
			}
		}
		if readme := string(files["README.md"]); !strings.Contains(readme, "my-name") || !strings.Contains(readme, lang.Command()) {
			t.Errorf("%s: the README lacks the name or the command:\n%s", lang.Name, readme)
		}
	}
}

// What npm would publish of the SDK for JavaScript is in a project, and of the packages that projects name the SDKs have the
// same versions.
func TestPackages(t *testing.T) {
	type manifest struct {
		Files                         []string
		Dependencies, DevDependencies map[string]string
	}
	read := func(text []byte, err error) (m manifest) {
		t.Helper()
		if err = errors.Join(err, json.Unmarshal(text, &m)); err != nil {
			t.Fatal(err)
		}
		return m
	}
	for _, file := range read(sdkjs.Source.ReadFile("package.json")).Files {
		if _, err := os.Stat(filepath.Join("../../sdk-js", file)); err != nil {
			continue // it is not made yet, or nowhere
		}
		if _, err := fs.Stat(sdkjs.Source, file); err != nil {
			t.Errorf("sdk-js/embed.go lacks what package.json publishes: %v", err)
		}
	}
	for lang, pinned := range map[string]map[string]string{
		"as": read(sdkas.Source.ReadFile("package.json")).Dependencies,
		"ts": read(sdkjs.Source.ReadFile("package.json")).DevDependencies,
	} {
		project := read(files.ReadFile("files/" + lang + "/package.json.tmpl"))
		for name, version := range project.DevDependencies {
			if !strings.HasPrefix(version, "file:") && version != pinned[name] {
				t.Errorf("%s: a project has %s %s, the SDK %q", lang, name, version, pinned[name])
			}
		}
	}
}

// What cannot be written leaves nothing behind, neither where there was no folder nor in an empty one.
func TestWriteFails(t *testing.T) {
	files := map[string][]byte{"a": []byte("a"), "b": []byte("b"), "b/c": []byte("a file cannot be a folder")}
	folder := t.TempDir()
	empty := filepath.Join(folder, "empty")
	if err := os.Mkdir(empty, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, place := range []string{empty, filepath.Join(folder, "new")} {
		if err := Write(place, files); err == nil {
			t.Errorf("%s: no error", place)
		}
	}
	var left []string
	err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		left = append(left, path)
		return err
	})
	if want := []string{folder, empty}; err != nil || !slices.Equal(left, want) {
		t.Errorf("there are %v, want %v, %v", left, want, err)
	}
}

// What is left of a package keeps its order.
func TestInstallable(t *testing.T) {
	const text = `{"z": 1, "devDependencies": {"a": "1"}, "exports": {"types": "b", "default": "a"}, "scripts": {}, "a": [2]}`
	const want = "{\n  \"z\": 1,\n  \"exports\": {\n    \"types\": \"b\",\n    \"default\": \"a\"\n  },\n  \"a\": [\n    2\n  ]\n}\n"
	if got, err := installable("package.json", []byte(text)); err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	if got, err := installable("a/package.json", []byte(text)); err != nil || string(got) != text {
		t.Errorf("got %s, %v", got, err)
	}
	for _, broken := range []string{"", "[]", `{"a":`, `{"a":1`} {
		if got, err := installable("package.json", []byte(broken)); err == nil {
			t.Errorf("%s: got %s", broken, got)
		}
	}
}
