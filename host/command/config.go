package command

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/pelletier/go-toml/v2"

	"github.com/sluicehttp/sluice/engine"
)

// configFile is what a configuration file may say.
type configFile struct {
	Server  serverTable   `toml:"server"`
	Limits  limitsTable   `toml:"limits"`
	Routes  []routeTable  `toml:"route"`
	Tenants []tenantTable `toml:"tenant"`
	Build   buildTable    `toml:"build"`
}

type serverTable struct {
	Addr           *scalar `toml:"addr"`
	Core           *scalar `toml:"core"`
	CacheDir       *string `toml:"cache_dir"`
	Grace          *scalar `toml:"grace"`
	MaxConnections *scalar `toml:"max_connections"`
	CompileTime    *scalar `toml:"compile_time"`
	CompileMemory  *scalar `toml:"compile_memory"`
	TenantIdle     *scalar `toml:"tenant_idle"`
	MaxLoaded      *scalar `toml:"max_loaded"`
}

// scalar is a string, number or boolean as the file has it. It is parsed after decoding: the decoder gives errors about
// numbers no place, and sets named strings and integers unchecked.
type scalar struct{ text string }

func (s *scalar) UnmarshalText(text []byte) error {
	s.text = string(text)
	return nil
}

// useFile reads a configuration file and takes what it says. Paths in it are relative to its folder.
func (s *settings) useFile(path string) error {
	file, err := s.readFile(path)
	if err != nil {
		return err
	}
	if s.engine.Routes, err = routes(ownRoutes(file.Routes), s.source, newLoaded()); err != nil {
		return s.unbuilt(err)
	}
	s.engine.Tenants, err = tenants(file.Tenants, s.source)
	return s.unbuilt(err)
}

// useNames is useFile for handlers that need not be there: their modules are empty, and of tenants there is only the number.
func (s *settings) useNames(path string) error {
	file, err := s.readFile(path)
	if err != nil {
		return err
	}
	s.engine.Routes, err = routes(ownRoutes(file.Routes), s.source, unread{})
	s.engine.Tenants = make([]engine.Tenant, len(file.Tenants))
	return err
}

// readFile reads a configuration file and takes what it says but for routes and tenants, whose handlers need not be there.
func (s *settings) readFile(path string) (*configFile, error) {
	s.files = []string{path}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, cannotRead(path, err, "name a configuration file with --config")
	}
	file := new(configFile)
	if err = toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(file); err != nil {
		return nil, describe(path, text, err)
	}
	s.source = newSource(path, text)
	if err = s.useValues(file, s.source); err != nil {
		return nil, err
	}
	handlers := file.handlers(s.source)
	s.files = append(s.files, handlers...)
	if s.build, err = file.Build.plan(s.source, handlers); err != nil {
		return nil, err
	}
	return file, file.check(s.source)
}

// unbuilt says of a handler that is not there how it is made, if the file says so.
func (s *settings) unbuilt(err error) error {
	if errors.Is(err, fs.ErrNotExist) && !s.build.command.empty() {
		return fmt.Errorf("%w; 'sluice build' makes what [build] is for", err)
	}
	return err
}

// handlers are the files that handlers lie in.
func (f *configFile) handlers(source *source) (files []string) {
	for _, table := range f.Routes {
		files = append(files, source.relative(table.Handler))
	}
	for i := range f.Tenants {
		for _, table := range f.Tenants[i].Routes {
			files = append(files, source.relative(table.Handler))
		}
	}
	return files
}

// check finds what the file's grammar allows and that still makes no sense.
func (f *configFile) check(source *source) error {
	if len(f.Routes)+len(f.Tenants) == 0 {
		return source.errorf("there are no routes; add a [[route]] with the handler that answers")
	}
	if err := checkRoutes(ownRoutes(f.Routes), source); err != nil {
		return err
	}
	return checkTenants(f, source)
}

func (s *settings) useValues(file *configFile, source *source) error {
	if dir := file.Server.CacheDir; dir != nil {
		s.engine.CacheDir = source.relative(*dir)
	}
	if err := source.parse("server", file.Server.values(s)); err != nil {
		return err
	}
	return source.parse("limits", file.Limits.values(&s.engine.Limits))
}

// value is a key of a table, what the file gives it, nil for nothing, and where that goes.
type value struct {
	key    string
	given  *scalar
	target encoding.TextUnmarshaler
}

func (t *serverTable) values(s *settings) []value {
	return []value{
		{"addr", t.Addr, &s.addr},
		{"core", t.Core, (*coreName)(&s.engine.Core)},
		{"grace", t.Grace, &s.grace},
		{"max_connections", t.MaxConnections, (*count)(&s.engine.MaxConnections)},
		{"compile_time", t.CompileTime, (*duration)(&s.engine.Compiler.Time)},
		{"compile_memory", t.CompileMemory, (*memorySize)(&s.engine.Compiler.Memory)},
		{"tenant_idle", t.TenantIdle, (*duration)(&s.engine.TenantIdle)},
		{"max_loaded", t.MaxLoaded, (*count)(&s.engine.MaxLoaded)},
	}
}

// parse parses the values of a table.
func (s *source) parse(table string, values []value) error {
	for _, value := range values {
		if value.given == nil {
			continue
		}
		if err := value.target.UnmarshalText([]byte(value.given.text)); err != nil {
			key := join(table, value.key)
			return s.errorAt(key, "%s %w", withoutIndexes(key), err)
		}
	}
	return nil
}
