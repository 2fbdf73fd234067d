package command

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// source is a configuration file's text. It finds the place of a key for errors which the decoder cannot see. Keys are
// dotted, and the index of an array's element is a part of its own: "route.1.path" is the path of the second [[route]].
type source struct {
	path    string
	text    []byte
	offsets map[string]int
	tables  map[string]int   // how many [[name]] there are
	inline  map[int][]string // the whole keys of what stands in braces, by the offsets of what is written of them
}

// routeKey is the key of a [[route]] or of something in it.
func routeKey(index int, inside ...any) string {
	key := fmt.Sprintf("route.%d", index)
	for _, part := range inside {
		key = fmt.Sprintf("%s.%v", key, part)
	}
	return key
}

// withoutIndexes is a key as people know it: "route.path".
func withoutIndexes(key string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(key, "."), isIndex), ".")
}

func isIndex(part string) bool {
	_, err := strconv.Atoi(part)
	return err == nil
}

// newSource indexes a text that the decoder has accepted.
func newSource(path string, text []byte) *source {
	s := &source{path: path, text: text, offsets: map[string]int{}, tables: map[string]int{}, inline: map[int][]string{}}
	table := ""
	var parser unstable.Parser
	parser.Reset(text)
	for parser.NextExpression() {
		switch node := parser.Expression(); node.Kind {
		case unstable.Table:
			table = s.addKey("", node)
		case unstable.ArrayTable:
			name := s.addKey("", node)
			table = join(name, fmt.Sprint(s.tables[name]))
			s.offsets[table] = s.offsets[name]
			s.tables[name]++
		case unstable.KeyValue:
			s.addValue(s.addKey(table, node), node.Value())
		}
	}
	return s
}

// addKey notes where the key of a node stands and gives it with the table it stands in.
func (s *source) addKey(table string, node *unstable.Node) string {
	key, offset := table, -1
	for parts := node.Key(); parts.Next(); {
		part := parts.Node()
		key = join(key, strings.ToLower(string(part.Data))) // the decoder does not heed case either
		if offset < 0 {
			offset = int(part.Raw.Offset)
		}
		if !parts.IsLast() && s.has(key) {
			// A table's place is its header. One inside a [[name]] belongs to the last of them so far.
			if count := s.tables[key]; count > 0 {
				key = join(key, fmt.Sprint(count-1))
			}
			continue
		}
		s.offsets[key] = offset
	}
	return key
}

// addValue notes where a value stands, and everything in it. An array's own place is not known: its key's stays.
func (s *source) addValue(key string, value *unstable.Node) {
	if value.Raw.Length > 0 {
		s.offsets[key] = int(value.Raw.Offset)
	}
	children := value.Children()
	for i := 0; children.Next(); i++ {
		switch child := children.Node(); value.Kind {
		case unstable.Array:
			s.addValue(join(key, fmt.Sprint(i)), child)
		case unstable.InlineTable:
			s.addInline(key, child)
			s.addValue(s.addKey(key, child), child.Value())
		}
	}
}

// addInline notes the whole key of a node in braces, for wholeKey.
func (s *source) addInline(table string, node *unstable.Node) {
	whole, offset := strings.Split(withoutIndexes(table), "."), -1
	for parts := node.Key(); parts.Next(); {
		part := parts.Node()
		whole = append(whole, string(part.Data))
		if offset < 0 {
			offset = int(part.Raw.Offset)
		}
	}
	s.inline[offset] = whole
}

// wholeKey is the key that is written at a place. The decoder leaves out the tables in braces that it stands in.
func (s *source) wholeKey(key []string, line, column int) []string {
	for offset, whole := range s.inline {
		if l, c := s.position(offset); l == line && c == column {
			return whole
		}
	}
	return key
}

func join(table, key string) string {
	if table == "" {
		return key
	}
	return table + "." + key
}

func (s *source) has(key string) bool {
	_, found := s.offsets[key]
	return found
}

// errorAt is an error about a key, at its place or, when it is missing, at the place of the table that lacks it.
func (s *source) errorAt(key, format string, args ...any) error {
	for !s.has(key) {
		dot := strings.LastIndexByte(key, '.')
		if dot < 0 {
			return s.errorf(format, args...)
		}
		key = key[:dot]
	}
	line, column := s.position(s.offsets[key])
	return fmt.Errorf("%s:%d:%d: %w", s.path, line, column, fmt.Errorf(format, args...))
}

// errorf is an error about the whole file.
func (s *source) errorf(format string, args ...any) error {
	return fmt.Errorf("%s: %w", s.path, fmt.Errorf(format, args...))
}

func (s *source) line(key string) int {
	line, _ := s.position(s.offsets[key])
	return line
}

// position counts lines and columns from 1, columns in bytes.
func (s *source) position(offset int) (line, column int) {
	before := string(s.text[:offset])
	return strings.Count(before, "\n") + 1, len(before) - strings.LastIndexByte(before, '\n')
}

// relative gives a path that is relative to the file's folder as one that is relative to the working directory. An empty
// one stays empty.
func (s *source) relative(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(s.path), path)
}
