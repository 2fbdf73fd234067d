package main

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// document is what the file means.
type document struct {
	types   []*typ // in the order of the file
	modules []*module
}

// typ is a type: one that has a name, or one written in place.
type typ struct {
	name    string // a typename or a builtin; empty for one written in place
	docs    []string
	line    int // 0 for a builtin
	section audience
	kind    kind
	bits    int       // integers, enums and flags: the width of the number
	members []*member // the cases of an enum, the flags of a set, the fields of a record
	consts  []*member // the named values of an integer
	elem    *typ      // of a list, of a pointer; the error of an expected
	size    int       // bytes; set by layout.go
	align   int       // bytes; set by layout.go
}

type kind int

const (
	kindInt kind = iota
	kindBool
	kindEnum
	kindFlags
	kindRecord
	kindList
	kindHandle
	kindPointer
	kindConstPointer
	kindExpected
)

// member is a named part of a type, a parameter or a result.
type member struct {
	name   string
	docs   []string
	line   int
	value  uint64 // of a case, of a constant; of a flag: the number of its bit
	typ    *typ   // of a field, of a parameter, of a result
	offset int    // of a field: bytes from the record's start; set by layout.go
}

type module struct {
	name      string
	docs      []string
	line      int
	audience  audience
	functions []*function
}

type function struct {
	name   string
	docs   []string
	line   int
	params []*member
	result *member // nil for none
}

// audience says whose bindings an item belongs to.
type audience int

const (
	everyone audience = iota
	handlers
	core
)

func (a audience) String() string { return [...]string{"everyone", "handlers", "core"}[a] }

// sections gives the audience of the types below each heading of the file.
var sections = map[string]audience{
	"Types that handlers and the core share": everyone,
	"What handlers see":                      handlers,
	"What the core and its host share":       core,
}

// The modules of the file.
const (
	coreExports    = "sluice_core"
	handlerImports = "http_events_v1"
	handlerExports = "handler"
)

var moduleAudiences = map[string]audience{coreExports: core, handlerImports: handlers, handlerExports: handlers}

// builtins are the types that need no typename.
var builtins = map[string]*typ{
	"u8":   {name: "u8", kind: kindInt, bits: 8},
	"u16":  {name: "u16", kind: kindInt, bits: 16},
	"u32":  {name: "u32", kind: kindInt, bits: 32},
	"u64":  {name: "u64", kind: kindInt, bits: 64},
	"bool": {name: "bool", kind: kindBool},
}

// module gives the module with that name; nil when the file has none.
func (d *document) module(name string) *module {
	i := slices.IndexFunc(d.modules, func(m *module) bool { return m.name == name })
	if i < 0 {
		return nil
	}
	return d.modules[i]
}

// typesFor gives the types that an audience's bindings need, in the order of the file: those of its own section and all
// that these, or the functions of its modules, refer to.
func (d *document) typesFor(a audience) []*typ {
	needed := map[*typ]bool{}
	for _, t := range d.types {
		if t.section == a {
			t.reach(needed)
		}
	}
	for _, m := range d.modules {
		if m.audience == a {
			for _, f := range m.functions {
				f.reach(needed)
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(d.types), func(t *typ) bool { return !needed[t] })
}

func (f *function) reach(into map[*typ]bool) {
	for _, p := range f.params {
		p.typ.reach(into)
	}
	if f.result != nil {
		f.result.typ.reach(into)
	}
}

func (t *typ) reach(into map[*typ]bool) {
	if into[t] {
		return
	}
	into[t] = true
	if t.elem != nil {
		t.elem.reach(into)
	}
	for _, m := range t.members {
		if m.typ != nil {
			m.typ.reach(into)
		}
	}
}

// ofKind keeps the types of one kind.
func ofKind(types []*typ, k kind) []*typ {
	return slices.DeleteFunc(slices.Clone(types), func(t *typ) bool { return t.kind != k })
}

// parseDocument reads, lays out and checks a file. It reports every mistake it finds, one a line, as
// "path:line: what; what to do".
func parseDocument(path, text string) (*document, error) {
	nodes, err := readNodes(path, text)
	if err != nil {
		return nil, err
	}
	b := &builder{path: path, doc: &document{}, named: map[string]*typ{}}
	for _, n := range nodes {
		b.item(n)
	}
	b.checkSubscriptions()
	b.checkAudiences()
	if len(b.mistakes) > 0 {
		return nil, b.err()
	}
	return b.doc, nil
}

// builder makes a document of nodes and collects the mistakes.
type builder struct {
	path     string
	doc      *document
	named    map[string]*typ
	mistakes []mistake
}

type mistake struct {
	line int
	text string
}

// refuse notes a mistake: what is wrong, and what to do about it.
func (b *builder) refuse(line int, what, remedy string) {
	b.mistakes = append(b.mistakes, mistake{line, fmt.Sprintf("%s:%d: %s; %s", b.path, line, what, remedy)})
}

func (b *builder) err() error {
	slices.SortStableFunc(b.mistakes, func(x, y mistake) int { return cmp.Compare(x.line, y.line) })
	var errs []error
	for _, m := range b.mistakes {
		errs = append(errs, errors.New(m.text))
	}
	return errors.Join(errs...)
}

// item takes one form of the top level.
func (b *builder) item(n *node) {
	switch {
	case n.head() == "typename" && len(n.list) == 3:
		b.typename(n)
	case n.head() == "@witx" && len(n.list) == 5 && n.list[1].atom == "const":
		b.constant(n)
	case n.head() == "module" && len(n.list) >= 2:
		b.module(n)
	default:
		b.refuse(n.line, "not a typename, a constant or a module", "write one of these forms")
	}
}

// typename takes (typename $name definition).
func (b *builder) typename(n *node) {
	t := b.definition(n.list[2])
	if t == nil {
		return
	}
	if t.line == 0 && t.kind == kindInt { // a name for a builtin is a type of its own
		t = &typ{kind: kindInt, bits: t.bits}
	} else if t.name != "" {
		b.refuse(n.line, "a second name for "+t.name, "use that name")
		return
	}
	t.name, t.line = b.name(n.list[1]), n.line
	t.docs = b.docs(n, "type "+t.name)
	section, ok := sections[n.section]
	if !ok {
		b.refuse(n.line, "type "+t.name+" stands below no known heading", "see sections in abi/gen/model.go")
	}
	t.section = section
	if before := b.named[t.name]; before != nil {
		b.refuse(n.line, fmt.Sprintf("type %s exists since line %d", t.name, before.line), "give it another name")
		return
	}
	b.named[t.name] = t
	b.doc.types = append(b.doc.types, t)
	place(t)
}

// constant takes (@witx const $type $name number).
func (b *builder) constant(n *node) {
	t := b.named[strings.TrimPrefix(n.list[2].atom, "$")]
	if t == nil || t.kind != kindInt {
		b.refuse(n.line, "a constant of "+n.list[2].atom+", which is no integer type above", "name such a type")
		return
	}
	m := &member{name: b.name(n.list[3]), line: n.line}
	m.docs = b.docs(n, "constant "+m.name)
	value, err := strconv.ParseUint(strings.ReplaceAll(n.list[4].atom, "_", ""), 0, t.bits)
	if err != nil {
		b.refuse(n.line, fmt.Sprintf("%s is no number of %d bits", n.list[4].atom, t.bits), "write one")
	}
	m.value = value
	t.consts = b.appendMember(t.consts, m)
}

// definition takes what can stand where a type is wanted; nil when it is refused.
func (b *builder) definition(n *node) *typ {
	t := b.form(n)
	if t != nil {
		place(t)
	}
	return t
}

func (b *builder) form(n *node) *typ {
	switch {
	case !n.isList():
		return b.reference(n)
	case n.head() == "enum":
		return b.enum(n)
	case n.head() == "flags":
		return b.flags(n)
	case n.head() == "record" && len(n.list) > 1:
		return b.record(n)
	case n.head() == "handle" && len(n.list) == 1:
		return &typ{kind: kindHandle, bits: 32}
	case n.head() == "list" && len(n.list) == 2:
		return b.containing(kindList, n.list[1])
	case n.head() == "@witx" && len(n.list) == 3 && n.list[1].atom == "pointer":
		return b.containing(kindPointer, n.list[2])
	case n.head() == "@witx" && len(n.list) == 3 && n.list[1].atom == "const_pointer":
		return b.containing(kindConstPointer, n.list[2])
	case n.head() == "expected" && len(n.list) == 2 && n.list[1].head() == "error" && len(n.list[1].list) == 2:
		return b.containing(kindExpected, n.list[1].list[1])
	}
	b.refuse(n.line, "a type the generator does not know", "use an enum, flags, record, list, handle or pointer")
	return nil
}

// reference takes the name of a type: a builtin, or a typename further up.
func (b *builder) reference(n *node) *typ {
	name, isName := strings.CutPrefix(n.atom, "$")
	t := builtins[name]
	if isName {
		t = b.named[name]
	}
	if t == nil {
		b.refuse(n.line, "no type "+n.atom+" above", "define it further up, or use u8, u16, u32, u64 or bool")
		return nil
	}
	return t
}

// containing makes a type that refers to another one.
func (b *builder) containing(k kind, elem *node) *typ {
	t := b.definition(elem)
	if t == nil {
		return nil
	}
	if t.name == "" {
		b.refuse(elem.line, "a type without a name inside another one", "give it a typename")
		return nil
	}
	return &typ{kind: k, elem: t}
}

// enum takes (enum (@witx tag uN) $case...).
func (b *builder) enum(n *node) *typ {
	t := &typ{kind: kindEnum, bits: b.width(n, "tag")}
	for _, c := range n.list[min(2, len(n.list)):] {
		b.numbered(t, c, "case")
	}
	if len(t.members) > 1<<min(t.bits, 16) {
		b.refuse(n.line, fmt.Sprintf("%d cases in %d bits", len(t.members), t.bits), "widen the tag")
	}
	return t
}

// flags takes (flags (@witx repr uN) $flag...).
func (b *builder) flags(n *node) *typ {
	t := &typ{kind: kindFlags, bits: b.width(n, "repr")}
	for _, f := range n.list[min(2, len(n.list)):] {
		b.numbered(t, f, "flag")
	}
	if len(t.members) > t.bits {
		b.refuse(n.line, fmt.Sprintf("%d flags in %d bits", len(t.members), t.bits), "widen the set")
	}
	return t
}

// width takes the (@witx tag uN) or (@witx repr uN) of an enum or of flags and gives N.
func (b *builder) width(n *node, word string) int {
	if len(n.list) > 1 {
		w := n.list[1]
		if w.head() == "@witx" && len(w.list) == 3 && w.list[1].atom == word {
			if t := builtins[w.list[2].atom]; t != nil && t.kind == kindInt {
				return t.bits
			}
		}
	}
	b.refuse(n.line, "the width is not fixed", fmt.Sprintf("begin with (@witx %s u8), u16 or u32", word))
	return 64
}

// numbered appends a case or a flag, whose number is how many came before it.
func (b *builder) numbered(t *typ, n *node, what string) {
	m := &member{name: b.name(n), line: n.line, value: uint64(len(t.members))}
	m.docs = b.docs(n, what+" "+m.name)
	t.members = b.appendMember(t.members, m)
}

// record takes (record (field $name type)...).
func (b *builder) record(n *node) *typ {
	t := &typ{kind: kindRecord}
	for _, f := range n.list[1:] {
		m := b.typed(f, "field")
		if m == nil {
			continue
		}
		switch {
		case m.typ.kind == kindBool || m.typ.kind == kindExpected:
			b.refuse(f.line, "a field of a type that has no place in memory", "use u8 or an enum")
		case m.typ.kind == kindList && m.typ.name == "":
			b.refuse(f.line, "field "+m.name+" has a type without a name", "give it a typename")
		default:
			t.members = b.appendMember(t.members, m)
		}
	}
	return t
}

// typed takes (word $name type): a field, a parameter or a result. Nil when it is refused.
func (b *builder) typed(n *node, word string) *member {
	if n.head() != word || len(n.list) != 3 {
		b.refuse(n.line, "not a "+word, fmt.Sprintf("write (%s $name type)", word))
		return nil
	}
	m := &member{name: b.name(n.list[1]), line: n.line}
	m.docs = b.docs(n, word+" "+m.name)
	m.typ = b.definition(n.list[2])
	if m.typ == nil {
		return nil
	}
	switch m.typ.kind {
	case kindEnum, kindFlags, kindRecord, kindHandle:
		if m.typ.name == "" {
			b.refuse(n.line, word+" "+m.name+" has a type without a name", "give it a typename")
			return nil
		}
	}
	return m
}

// appendMember appends unless the name is taken.
func (b *builder) appendMember(to []*member, m *member) []*member {
	for _, before := range to {
		if before.name == m.name {
			b.refuse(m.line, fmt.Sprintf("%s exists since line %d", m.name, before.line), "give it another name")
			return to
		}
	}
	return append(to, m)
}

// module takes (module $name function...).
func (b *builder) module(n *node) {
	m := &module{name: b.name(n.list[1]), line: n.line}
	m.docs = b.docs(n, "module "+m.name)
	a, ok := moduleAudiences[m.name]
	if !ok {
		b.refuse(n.line, "no module "+m.name+" is known", "add it to moduleAudiences in abi/gen/model.go")
	}
	m.audience = a
	if before := b.doc.module(m.name); before != nil {
		b.refuse(n.line, fmt.Sprintf("module %s exists since line %d", m.name, before.line), "give it another name")
		return
	}
	for _, f := range n.list[2:] {
		b.function(m, f)
	}
	b.doc.modules = append(b.doc.modules, m)
}

// function takes (@interface func (export "name") (param $name type)... (result $name type)).
func (b *builder) function(m *module, n *node) {
	if n.head() != "@interface" || len(n.list) < 3 || n.list[1].atom != "func" || n.list[2].head() != "export" ||
		len(n.list[2].list) != 2 || !n.list[2].list[1].quoted {
		b.refuse(n.line, "not a function", `write (@interface func (export "name") ...)`)
		return
	}
	f := &function{name: n.list[2].list[1].atom, line: n.line}
	f.docs = b.docs(n, "function "+f.name)
	for _, part := range n.list[3:] {
		if part.head() == "result" {
			b.result(m, f, part)
		} else if p := b.typed(part, "param"); p != nil {
			if p.typ.kind == kindRecord || p.typ.kind == kindExpected {
				b.refuse(part.line, "parameter "+p.name+" cannot be passed by value", "pass a pointer")
			}
			f.params = b.appendMember(f.params, p)
		}
	}
	for _, before := range m.functions {
		if before.name == f.name {
			b.refuse(n.line, fmt.Sprintf("%s exists since line %d", f.name, before.line), "give it another name")
			return
		}
	}
	m.functions = append(m.functions, f)
}

func (b *builder) result(m *module, f *function, n *node) {
	r := b.typed(n, "result")
	if r == nil {
		return
	}
	if f.result != nil {
		b.refuse(n.line, "a second result", "give other values through pointers")
	}
	switch k := r.typ.kind; {
	case k == kindRecord || k == kindList || k == kindBool || k == kindEnum:
		b.refuse(n.line, "a result that the reference cannot lower", "give it through a pointer")
	case k == kindExpected && r.typ.elem.kind != kindEnum:
		b.refuse(n.line, "an error that is no enum", "use an errno")
	case k != kindExpected && m.name == handlerImports:
		b.refuse(n.line, f.name+" does not give back an errno", "write (result $error (expected (error $errno)))")
	}
	f.result = r
}

// goodName is what every language can turn into its own style and back.
var goodName = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

// name takes $a_name.
func (b *builder) name(n *node) string {
	name, ok := strings.CutPrefix(n.atom, "$")
	if !ok || !goodName.MatchString(name) {
		b.refuse(n.line, fmt.Sprintf("%q is no name", n.atom), "write $ and lower-case words joined by underscores")
	}
	return name
}

// docs gives the documentation of an item, which must have some.
func (b *builder) docs(n *node, what string) []string {
	if strings.TrimSpace(strings.Join(n.docs, "")) == "" {
		b.refuse(n.line, what+" is not documented", "say in ;;; lines above it what it means, with unit, range and owner")
	}
	return n.docs
}

// checkSubscriptions holds the set of events against the events: bit n stands for event n.
func (b *builder) checkSubscriptions() {
	events, set := b.named["event"], b.named["subscriptions"]
	if events == nil || set == nil {
		return
	}
	const remedy = "give subscriptions the names of event in their order"
	for i := range max(len(events.members), len(set.members)) {
		switch {
		case i >= len(set.members):
			b.refuse(set.line, "subscriptions has no flag for event "+events.members[i].name, remedy)
		case i >= len(events.members):
			b.refuse(set.members[i].line, "no event belongs to flag "+set.members[i].name, remedy)
		case events.members[i].name != set.members[i].name:
			b.refuse(set.members[i].line, fmt.Sprintf("flag %s has the bit of event %s", set.members[i].name,
				events.members[i].name), remedy)
		}
	}
}

// checkAudiences refuses handler bindings that would need a type of the core, and the other way round.
func (b *builder) checkAudiences() {
	for _, a := range []audience{everyone, handlers, core} {
		for _, t := range b.doc.typesFor(a) {
			if t.section != everyone && t.section != a {
				b.refuse(t.line, fmt.Sprintf("type %s stands in the section for %s and is used for %s", t.name, t.section, a),
					"move it to the section that is shared")
			}
		}
	}
}
