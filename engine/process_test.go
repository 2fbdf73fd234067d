package engine

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestProcessErrors(t *testing.T) {
	env := func(name, value string) Route { return Route{Env: map[string]string{"A": "b", name: value}} }
	for _, test := range []struct {
		name      string
		route     Route
		key, want string
	}{
		{"argument", Route{Args: []string{"a", "\x00"}}, "args.1", `route "/b": argument 2 holds a byte of value 0`},
		{"no name", env("", "x"), "env.", `route "/b": an environment variable has no name`},
		{"equals sign", env("X=Y", "x"), "env.X=Y", `route "/b": the name of environment variable "X=Y" holds an equals sign`},
		{"name", env("\x00", "x"), "env.\x00", `route "/b": environment variable "\x00" holds a byte of value 0`},
		{"value", env("X", "x\x00"), "env.X", `route "/b": environment variable "X" holds a byte of value 0`},
		{"one byte too many", env("X", strings.Repeat("x", 65536-4-2)), "env",
			`route "/b": arguments and environment have 65537 bytes together; they can have 65536`},
		{"empty arguments", Route{Args: make([]string, 65537)}, "args",
			`route "/b": arguments and environment have 65537 bytes together; they can have 65536`},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.route.Path = "/b"
			config := Config{Routes: []Route{{Path: "/a", Args: []string{"-v"}}, test.route}}
			err := config.complete()
			var process *ProcessError
			if !errors.As(err, &process) || process.Key != test.key || process.Route != 1 || process.Error() != test.want {
				t.Errorf("\n got %+v\nwant %s", err, test.want)
			}
		})
	}
}

func TestProcessIsThatOfTheRoute(t *testing.T) {
	config := Config{Limits: Limits{Log: 200}, Routes: []Route{
		{Path: "/a", Args: []string{"-v"}, Env: map[string]string{"C": "", "A": "=", "B": strings.Repeat("x", 65536-14)}},
		{Path: "/b", Limits: Limits{Log: 100}},
	}}
	if err := config.complete(); err != nil {
		t.Fatal(err)
	}
	a, b := config.Routes[0].process(), config.Routes[1].process()
	if want := []string{"A==", "B=" + config.Routes[0].Env["B"], "C="}; !slices.Equal(a.Env, want) || len(a.Args) != 1 {
		t.Errorf("got %.100v, want %.100q", a, want)
	}
	if b.Env != nil || b.Args != nil {
		t.Errorf("got %v", b)
	}
}
