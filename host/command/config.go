package command

import (
	"bytes"
	"encoding"
	"os"

	"github.com/pelletier/go-toml/v2"
)

// configFile is what a configuration file may say.
type configFile struct {
	Server serverTable  `toml:"server"`
	Limits limitsTable  `toml:"limits"`
	Routes []routeTable `toml:"route"`
}

type serverTable struct {
	Addr           *scalar `toml:"addr"`
	Core           *scalar `toml:"core"`
	CacheDir       *string `toml:"cache_dir"`
	Grace          *scalar `toml:"grace"`
	MaxConnections *scalar `toml:"max_connections"`
}

type limitsTable struct {
	StartLine     *scalar `toml:"start_line"`
	Head          *scalar `toml:"head"`
	Fields        *scalar `toml:"fields"`
	ChunkLine     *scalar `toml:"chunk_line"`
	Trailers      *scalar `toml:"trailers"`
	TrailerFields *scalar `toml:"trailer_fields"`
	Buffered      *scalar `toml:"buffered"`
	HeadTime      *scalar `toml:"head_time"`
	BodyIdle      *scalar `toml:"body_idle"`
	KeepAliveIdle *scalar `toml:"keep_alive_idle"`
	WriteIdle     *scalar `toml:"write_idle"`
	HandlerWall   *scalar `toml:"handler_wall"`
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
	text, err := os.ReadFile(path)
	if err != nil {
		return cannotRead(path, err, "name a configuration file with --config")
	}
	var file configFile
	if err = toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&file); err != nil {
		return describe(path, err)
	}
	s.source = newSource(path, text)
	if err = s.useValues(&file, s.source); err != nil {
		return err
	}
	s.engine.Routes, err = routes(file.Routes, s.source)
	return err
}

func (s *settings) useValues(file *configFile, source *source) error {
	limits := &s.engine.Limits
	for _, value := range []struct {
		key    string
		given  *scalar
		target encoding.TextUnmarshaler
	}{
		{"server.addr", file.Server.Addr, &s.addr},
		{"server.core", file.Server.Core, (*coreName)(&s.engine.Core)},
		{"server.grace", file.Server.Grace, &s.grace},
		{"server.max_connections", file.Server.MaxConnections, (*count)(&s.engine.MaxConnections)},
		{"limits.start_line", file.Limits.StartLine, (*byteSize)(&limits.StartLine)},
		{"limits.head", file.Limits.Head, (*byteSize)(&limits.Head)},
		{"limits.fields", file.Limits.Fields, (*count)(&limits.Fields)},
		{"limits.chunk_line", file.Limits.ChunkLine, (*byteSize)(&limits.ChunkLine)},
		{"limits.trailers", file.Limits.Trailers, (*byteSize)(&limits.Trailers)},
		{"limits.trailer_fields", file.Limits.TrailerFields, (*count)(&limits.TrailerFields)},
		{"limits.buffered", file.Limits.Buffered, (*byteSize)(&limits.Buffered)},
		{"limits.head_time", file.Limits.HeadTime, (*duration)(&limits.HeadTime)},
		{"limits.body_idle", file.Limits.BodyIdle, (*duration)(&limits.BodyIdle)},
		{"limits.keep_alive_idle", file.Limits.KeepAliveIdle, (*duration)(&limits.KeepAliveIdle)},
		{"limits.write_idle", file.Limits.WriteIdle, (*duration)(&limits.WriteIdle)},
		{"limits.handler_wall", file.Limits.HandlerWall, (*duration)(&limits.HandlerWall)},
	} {
		if value.given == nil {
			continue
		}
		if err := value.target.UnmarshalText([]byte(value.given.text)); err != nil {
			return source.errorAt(value.key, "%s %w", value.key, err)
		}
	}
	if dir := file.Server.CacheDir; dir != nil {
		s.engine.CacheDir = source.relative(*dir)
	}
	return nil
}
