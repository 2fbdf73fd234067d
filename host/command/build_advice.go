package command

import (
	"os/exec"
	"regexp"
	"strings"
)

// What a build can lack, and where it comes from. Packages are Debian's.

const (
	getRust = "install Rust with rustup, then run 'rustup target add wasm32-unknown-unknown';" +
		" on Debian: apt-get install cargo libstd-rust-dev-wasm32 lld"
	getClang = "install clang and lld; on Debian: apt-get install clang lld"
	getNode  = "install Node.js 20 or newer with npm"
	getGo    = "install Go 1.24 or newer from https://go.dev/dl/"
	getZig   = "install Zig from https://ziglang.org/download/, or with 'pip install ziglang'"
)

// programs are what the commands of builds begin with.
var programs = map[string]string{
	"cargo": getRust, "rustc": getRust,
	"clang": getClang, "clang++": getClang, "wasm-ld": getClang,
	"node": getNode, "npm": getNode, "npx": getNode,
	"go":  getGo,
	"zig": getZig,
}

// complaints are what compilers say when a part of theirs is missing.
var complaints = []struct {
	pattern *regexp.Regexp
	advice  string
}{
	{regexp.MustCompile(`can't find crate for .(std|core).|target may not be installed`),
		"the target is missing: run 'rustup target add wasm32-unknown-unknown'; on Debian: apt-get install libstd-rust-dev-wasm32"},
	{regexp.MustCompile(`wasm-ld.*(doesn't exist|No such file|not found)|unable to (execute command:|find) .*wasm-ld`),
		"the linker is missing: install lld; on Debian: apt-get install lld"},
	{regexp.MustCompile(`(?m)^sh: \d*:? ?(sluice-js|asc): not found|could not determine executable to run`),
		"the packages are missing: run 'npm install'"},
}

// advice says what a command that has failed lacks, if that is known.
func advice(c *buildCommand, output string) string {
	if missing := missingProgram(c); missing != "" {
		return missing + " is not on PATH; " + programs[missing]
	}
	for _, complaint := range complaints {
		if complaint.pattern.MatchString(output) {
			return complaint.advice
		}
	}
	return ""
}

// missingProgram is the first program of a command that is known here and not on PATH.
func missingProgram(c *buildCommand) string {
	for _, word := range strings.FieldsFunc(c.text, func(r rune) bool { return strings.ContainsRune(" \t\n;|&()'\"", r) }) {
		if _, known := programs[word]; known {
			if _, err := exec.LookPath(word); err != nil {
				return word
			}
		}
	}
	return ""
}
