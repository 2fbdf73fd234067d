package command

import (
	"errors"
	"math"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/sluicehttp/sluice/engine"
)

// The values that flags, variables and the configuration file share. Each parses its text, and its errors go on after
// the value's name.

// address is a TCP address to listen on.
type address string

func (a *address) UnmarshalText(text []byte) error {
	_, port, err := net.SplitHostPort(string(text))
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return errors.New("must be host:port, such as 127.0.0.1:8080, [::1]:8080, or :8080 for every interface")
	}
	*a = address(text)
	return nil
}

func (a address) MarshalText() ([]byte, error) { return []byte(a), nil }

// coreName says how the parser runs.
type coreName engine.Core

func (c *coreName) UnmarshalText(text []byte) error {
	switch core := engine.Core(text); core {
	case engine.CoreWasm, engine.CoreNative:
		*c = coreName(core)
		return nil
	}
	return errors.New("must be wasm or native")
}

func (c coreName) MarshalText() ([]byte, error) { return []byte(c), nil }

// isolation says who shares an instance of a handler.
type isolation engine.Isolation

func (i *isolation) UnmarshalText(text []byte) error {
	switch policy := engine.Isolation(text); policy {
	case engine.IsolateRequests, engine.IsolateConnections, engine.ShareInstance:
		*i = isolation(policy)
		return nil
	}
	return errors.New("must be request, connection or shared")
}

func (i isolation) MarshalText() ([]byte, error) { return []byte(i), nil }

// roleName says which side of a connection the parser is.
type roleName engine.Role

func (r *roleName) UnmarshalText(text []byte) error {
	role := engine.Role(text)
	if role != engine.RoleServer && role != engine.RoleClient {
		return errors.New("must be server or client")
	}
	*r = roleName(role)
	return nil
}

func (r roleName) MarshalText() ([]byte, error) { return []byte(r), nil }

// duration is a time that something may take.
type duration time.Duration

func (d *duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil || parsed <= 0 {
		return errors.New("must be a positive duration with its unit, such as 500ms, 10s or 2m")
	}
	*d = duration(parsed)
	return nil
}

func (d duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// pieceSize is how many bytes are fed to the parser at a time; 0 stands for all.
type pieceSize int

func (p *pieceSize) UnmarshalText(text []byte) error {
	n, err := strconv.ParseInt(string(text), 10, strconv.IntSize)
	if err != nil || n < 0 {
		return errors.New("must be a number of bytes, 1 or more, or 0 for all at once")
	}
	*p = pieceSize(n)
	return nil
}

func (p pieceSize) MarshalText() ([]byte, error) { return []byte(strconv.Itoa(int(p))), nil }

// byteSize is a number of bytes, alone or with a unit.
type byteSize int

func (s *byteSize) UnmarshalText(text []byte) error {
	number, unit := string(text), int64(1)
	for suffix, size := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if before, found := strings.CutSuffix(number, suffix); found {
			number, unit = strings.TrimRight(before, " "), size
			break
		}
	}
	// Base 0 takes what TOML writes as integer: 65_536, 0x10000.
	n, err := strconv.ParseInt(number, 0, 64)
	if err != nil || n < 1 || n > math.MaxInt/unit {
		return errors.New(`must be a number of bytes, 1 or more, such as 65536 or "64KiB" (units: KiB, MiB, GiB)`)
	}
	*s = byteSize(n * unit)
	return nil
}

// memorySize is a byteSize that 32 bits need not be enough for.
type memorySize int64

func (s *memorySize) UnmarshalText(text []byte) error {
	var size byteSize
	err := size.UnmarshalText(text)
	*s = memorySize(size)
	return err
}

// count is a number of things.
type count int

func (c *count) UnmarshalText(text []byte) error {
	n, err := strconv.ParseInt(string(text), 0, strconv.IntSize)
	if err != nil || n < 1 {
		return errors.New("must be a whole number, 1 or more")
	}
	*c = count(n)
	return nil
}
