package abi_test

import (
	"bufio"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sluicehttp/sluice/abi"
)

func TestSignature(t *testing.T) {
	for _, test := range []struct {
		f    abi.Func
		want string
	}{
		{abi.Func{Name: "f"}, "() -> ()"},
		{abi.Func{Name: "f", Params: []abi.ValueType{abi.I32, abi.I64}, Results: []abi.ValueType{abi.I32}}, "(i32, i64) -> i32"},
		{abi.Func{Name: "f", Params: []abi.ValueType{abi.F32}, Results: []abi.ValueType{abi.F64, abi.I32}}, "(f32) -> (f64, i32)"},
	} {
		if got := test.f.Signature(); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

func TestString(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{abi.ErrnoNoSession.String(), "no_session"},
		{abi.Errno(0).String(), "success"},
		{abi.Errno(42).String(), "errno(42)"},
		{abi.Errno(65535).String(), "errno(65535)"},
		{abi.EventReady.String(), "ready"},
		{abi.Event(200).String(), "event(200)"},
		{abi.ErrorCodeHTTP2Preface.String(), "http2_preface"},
	} {
		if test.got != test.want {
			t.Errorf("got %s, want %s", test.got, test.want)
		}
	}
}

// TestFunctionTables compares the tables of functions with the golden, which the reference crate confirms.
func TestFunctionTables(t *testing.T) {
	golden, err := os.Open("signatures.golden")
	if err != nil {
		t.Fatal(err)
	}
	defer golden.Close()
	var want, got []string
	for lines := bufio.NewScanner(golden); lines.Scan(); {
		if !strings.HasPrefix(lines.Text(), "#") {
			want = append(want, lines.Text())
		}
	}
	for _, module := range []struct {
		name      string
		functions []abi.Func
	}{
		{"sluice_core", abi.CoreExports},
		{abi.HandlerImportModule, abi.HandlerImports},
		{"handler", abi.HandlerExports},
	} {
		for _, f := range module.functions {
			got = append(got, module.name+" "+f.Name+" ("+join(f.Params)+") -> ("+join(f.Results)+")")
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the tables have\n%s\nthe golden has\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func join(types []abi.ValueType) string {
	var words []string
	for _, v := range types {
		words = append(words, v.String())
	}
	return strings.Join(words, " ")
}
