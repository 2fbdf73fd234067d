package template

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// maxName is the length of the longest name.
const maxName = 64

// names are what crates, npm packages and Go modules can all be called, and files everywhere.
var names = regexp.MustCompile(`^[a-z][a-z0-9]*([-_][a-z0-9]+)*$`)

// taken are names that mean something else to one of the tools: the SDKs, crates that come with Rust and its keywords, what
// is in every project, and devices of Windows.
var taken = strings.Fields(`
	sluice sluice-js sluice-sdk handler main node_modules target
	alloc core proc_macro std test
	abstract as async await become box break const continue crate do dyn else enum extern false final fn for gen if impl in
	let loop macro match mod move mut override priv pub ref return self static struct super trait true try type typeof unsafe
	unsized use virtual where while yield
	aux con nul prn`)

// CheckName says what keeps a name from being that of a project.
func CheckName(name string) error {
	switch {
	case slices.Contains(taken, name):
		return fmt.Errorf("%q means something else to some tools; try my-%s", name, name)
	case names.MatchString(name) && len(name) <= maxName:
		return nil
	}
	remedy := "choose another"
	if better := mend(name); names.MatchString(better) && len(better) <= maxName {
		remedy = "try " + better
	}
	return fmt.Errorf("%q cannot be a name: it may have lower-case letters and digits, a letter first, hyphens and underscores"+
		" between them, and %d characters at most; %s", name, maxName, remedy)
}

var others = regexp.MustCompile(`[^a-z0-9]+`)

// mend makes something of a name that may be one.
func mend(name string) string {
	return strings.Trim(others.ReplaceAllString(strings.ToLower(name), "-"), "-0123456789")
}
