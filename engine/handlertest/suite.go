package handlertest

import (
	"embed"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Suite is a file of transcripts. Several goroutines may play it at a time.
type Suite struct {
	// Name is the file's, without folder and without ".transcript.md" or ".md".
	Name string
	// File is what the suite was read from; for a built-in one its path in this package.
	File string
	// About is the first paragraph of the file.
	About string
	Cases []*Case
}

// Case is one transcript: what peers do, and what is due.
type Case struct {
	Suite *Suite
	// Line is where the heading of the case stands in the suite's file, counted from 1.
	Line int
	// Title is the heading.
	Title string

	steps []step
	log   logDue
	// events are due of requests, each of another one.
	events []*eventsDue
	// drafts are the requests that later blocks go on with, by connection, while the case is read.
	drafts map[string]*draft
}

// Place is the file and line of the case's heading.
func (c *Case) Place() string { return fmt.Sprintf("%s:%d", c.Suite.File, c.Line) }

// Default is the suite that every handler has to pass, whatever it answers.
const Default = "http"

//go:embed suites/*.md
var builtin embed.FS

// Names lists the built-in suites.
func Names() (names []string) {
	files, _ := builtin.ReadDir("suites") // it is embedded
	for _, file := range files {
		names = append(names, strings.TrimSuffix(file.Name(), ".md"))
	}
	return names
}

// Open reads a suite: a built-in one by its name, or a file, which has a slash or a dot in its path.
func Open(name string) (*Suite, error) {
	if strings.ContainsAny(name, `./\`) {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("a suite cannot be read: %w", err)
		}
		return Parse(name, text)
	}
	once, _ := parsed.LoadOrStore(name, sync.OnceValues(func() (*Suite, error) { return openBuiltin(name) }))
	return once.(func() (*Suite, error))()
}

// parsed has the built-in suites that were opened, by name: some hold large bodies.
var parsed sync.Map

func openBuiltin(name string) (*Suite, error) {
	file := path.Join("suites", name+".md")
	text, err := builtin.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("there is no suite %q; there are %s, and files such as ./my.transcript.md",
			name, strings.Join(Names(), ", "))
	}
	return Parse(file, text)
}

// Parse reads a suite from the text of a file. An error begins with the file and the line.
func Parse(file string, text []byte) (*Suite, error) {
	base := filepath.Base(file)
	name := strings.TrimSuffix(strings.TrimSuffix(base, ".md"), ".transcript")
	r := &reader{
		suite: &Suite{Name: name, File: filepath.ToSlash(file)},
		lines: strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n"),
	}
	if line, err := r.read(); err != nil {
		return nil, fmt.Errorf("%s:%d: %w", r.suite.File, line, err)
	}
	r.suite.About = strings.TrimSuffix(r.suite.About, "\n")
	return r.suite, nil
}

// reader reads the file of a suite.
type reader struct {
	suite *Suite
	lines []string
	// c is the case that is being read, nil in front of the first.
	c *Case
}

// read finds the cases. Each begins with a heading of the second level; what stands before the first is an introduction. With
// an error comes the line where it is.
func (r *reader) read() (line int, err error) {
	for i := 0; i < len(r.lines); i++ {
		switch text := r.lines[i]; {
		case strings.HasPrefix(text, "## "):
			if err := r.c.complete(); err != nil {
				return r.c.Line, err
			}
			r.c = &Case{Suite: r.suite, Line: i + 1, Title: strings.TrimSpace(text[len("## "):])}
			r.suite.Cases = append(r.suite.Cases, r.c)
		case strings.HasPrefix(text, "```"):
			end := slices.Index(r.lines[i+1:], "```")
			if end < 0 {
				return i + 1, fmt.Errorf("a block without an end: a line of three backquotes is missing")
			}
			if err := r.c.block(i+1, strings.Fields(text[len("```"):]), r.lines[i+1:i+1+end]); err != nil {
				return i + 1, err
			}
			i += 1 + end
		case r.c == nil && !strings.HasPrefix(text, "#"):
			r.introduce(text)
		}
	}
	if r.c == nil {
		return 1, fmt.Errorf("a suite without cases: each begins with a heading, such as '## a name is greeted'")
	}
	return r.c.Line, r.c.complete()
}

// introduce takes the first paragraph.
func (r *reader) introduce(text string) {
	switch about := &r.suite.About; {
	case strings.HasSuffix(*about, "\n"):
	case text != "":
		*about = strings.TrimPrefix(*about+" "+text, " ")
	case *about != "":
		*about += "\n"
	}
}

// complete says what is missing of a case.
func (c *Case) complete() error {
	switch {
	case c == nil:
		return nil
	case len(c.steps) == 0:
		return fmt.Errorf("the case %q has no blocks", c.Title)
	}
	for _, d := range c.drafts {
		if d.open {
			return fmt.Errorf("a request of the case %q has no end: a block 'send ends' is missing, or 'abort'", c.Title)
		}
	}
	return nil
}

// block reads a fenced block. Its first line is that with the fence.
func (c *Case) block(line int, info, content []string) (err error) {
	if len(info) == 0 {
		return nil // prose, such as an example
	}
	if c == nil {
		return fmt.Errorf("a block in front of the first case: a heading, such as '## a name is greeted', begins a case")
	}
	switch settings := info[1:]; info[0] {
	case "send":
		err = c.readSend(line, settings, content)
	case "receive":
		err = c.readReceive(line, settings, content)
	case "peer":
		err = c.readPeer(line, settings, content)
	case "log":
		err = c.readLog(line, content)
	case "events":
		err = c.readEvents(line, settings, content)
	default:
		err = fmt.Errorf("there are no blocks of the kind %q; there are send, receive, peer, log and events", info[0])
	}
	return err
}
