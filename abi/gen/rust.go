package main

import (
	"fmt"
	"slices"
	"strings"
)

// rustModule writes the module for handlers in Rust. It needs nothing but core, edition 2021 and rustc 1.63.
func rustModule(doc *document) ([]byte, error) {
	r := &rustText{}
	r.f("// %s", notice)
	r.f("")
	r.comment("//!", "The binary interface between a handler written in Rust and its host, as abi/REFERENCE.md describes it.",
		"",
		"An enumeration is a number with named values and not a Rust `enum`, because a newer host may give a number that "+
			"this file does not know. Words in backquotes are names of abi/events.witx.")
	types := doc.typesFor(handlers)
	for _, t := range ofKind(types, kindRecord) {
		if t.size > 256 {
			return nil, fmt.Errorf("%s:%d: record %s has more bytes than a byte can count; see asserts in abi/gen/rust.go", source,
				t.line, t.name)
		}
	}
	r.f("")
	r.f("use core::fmt;")
	if len(ofKind(types, kindFlags)) > 0 {
		r.f("use core::ops::BitOr;")
	}
	for _, t := range types {
		r.typ(t)
	}
	r.asserts(ofKind(types, kindRecord))
	r.exportTypes(doc.module(handlerExports))
	r.imports(doc.module(handlerImports))
	return []byte(r.String()), nil
}

// rustText is Rust source in the making.
type rustText struct{ text }

func (r *rustText) typ(t *typ) {
	r.f("")
	docs := t.docs
	if t.kind == kindRecord {
		docs = slices.Concat(docs, []string{"", layoutSentence(t)})
	}
	r.comment("///", docs...)
	switch {
	case t.kind == kindRecord:
		r.record(t)
	case t.kind == kindList:
		r.list(t)
	case t.kind == kindInt && len(t.consts) == 0:
		r.f("pub type %s = u%d;", pascal(t.name), t.bits)
	default:
		r.newtype(t)
	}
}

func (r *rustText) record(t *typ) {
	r.f("#[repr(C)]")
	r.f("#[derive(Clone, Copy, Debug, PartialEq, Eq)]")
	r.f("pub struct %s {", pascal(t.name))
	for _, f := range t.members {
		r.comment("    ///", f.docs...)
		r.f("    pub %s: %s,", f.name, rustType(f.typ))
	}
	r.f("}")
}

// list writes a list as the address and the number of its elements, made of a slice.
func (r *rustText) list(t *typ) {
	name, elem := pascal(t.name), rustType(t.elem)
	r.f("#[repr(C)]")
	r.f("#[derive(Clone, Copy, Debug, PartialEq, Eq)]")
	r.f("pub struct %s {", name)
	r.f("    /// The first element.")
	r.f("    pub ptr: *const %s,", elem)
	r.f("    /// The number of elements.")
	r.f("    pub len: usize,")
	r.f("}")
	r.f("")
	r.f("impl %s {", name)
	r.f("    /// Where a slice lies. It must outlive every use of the result.")
	r.f("    pub const fn new(slice: &[%s]) -> Self {", elem)
	r.f("        %s {", name)
	r.f("            ptr: slice.as_ptr(),")
	r.f("            len: slice.len(),")
	r.f("        }")
	r.f("    }")
	r.f("")
	r.f("    /// The elements.")
	r.f("    ///")
	r.f("    /// # Safety")
	r.f("    ///")
	r.f("    /// The list must come from the host, or from a slice, that is valid for `'a`.")
	r.f("    pub unsafe fn as_slice<'a>(&self) -> &'a [%s] {", elem)
	r.f("        if self.len == 0 {")
	r.f("            return &[];")
	r.f("        }")
	r.f("        core::slice::from_raw_parts(self.ptr, self.len)")
	r.f("    }")
	r.f("}")
}

// newtype writes a number with named values.
func (r *rustText) newtype(t *typ) {
	name := pascal(t.name)
	r.f("#[repr(transparent)]")
	if t.kind == kindEnum {
		r.f("#[derive(Clone, Copy, PartialEq, Eq, Hash)]")
	} else {
		r.f("#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]")
	}
	r.f("pub struct %s(pub u%d);", name, t.bits)
	members, value := t.members, func(m *member) string { return fmt.Sprint(m.value) }
	switch t.kind {
	case kindFlags:
		value = func(m *member) string { return fmt.Sprintf("1 << %d", m.value) }
	case kindInt:
		members, value = t.consts, func(m *member) string { return fmt.Sprintf("%#04x", m.value) }
	}
	if len(members) == 0 {
		return
	}
	r.f("")
	r.f("impl %s {", name)
	for _, m := range members {
		r.comment("    ///", m.docs...)
		r.f("    pub const %s: %s = %s(%s);", shout(m.name), name, name, value(m))
	}
	switch t.kind {
	case kindEnum:
		r.enumMethods(t)
	case kindFlags:
		r.flagMethods(t)
	default:
		r.f("}")
	}
}

// enumMethods ends the impl of an enum, and lets it print its name.
func (r *rustText) enumMethods(t *typ) {
	name := pascal(t.name)
	r.f("")
	r.f("    /// The name of the value in events.witx; `None` for a number that has none.")
	r.f("    pub const fn name(self) -> Option<&'static str> {")
	r.f("        match self.0 {")
	for _, m := range t.members {
		r.f("            %d => Some(%q),", m.value, m.name)
	}
	r.f("            _ => None,")
	r.f("        }")
	r.f("    }")
	r.f("}")
	r.f("")
	r.f("impl fmt::Debug for %s {", name)
	r.f("    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {")
	r.f("        match self.name() {")
	r.f("            Some(name) => f.write_str(name),")
	r.f("            None => write!(f, \"%s({})\", self.0),", t.name)
	r.f("        }")
	r.f("    }")
	r.f("}")
}

// flagMethods ends the impl of a set, and lets sets be joined.
func (r *rustText) flagMethods(t *typ) {
	name := pascal(t.name)
	r.f("")
	r.f("    /// Whether every flag of `other` is set.")
	r.f("    pub const fn contains(self, other: %s) -> bool {", name)
	r.f("        self.0 & other.0 == other.0")
	r.f("    }")
	r.f("}")
	r.f("")
	r.f("impl BitOr for %s {", name)
	r.f("    type Output = %s;", name)
	r.f("")
	r.f("    fn bitor(self, other: %s) -> %s {", name, name)
	r.f("        %s(self.0 | other.0)", name)
	r.f("    }")
	r.f("}")
}

// asserts holds the layout of every record where it counts. Rust has offset_of since 1.77, and 1.63 cannot even subtract
// addresses at compile time; but it can read the byte at an address, and a byte can hold its own index.
func (r *rustText) asserts(records []*typ) {
	largest := 0
	for _, t := range records {
		largest = max(largest, t.size)
	}
	r.f("")
	r.f("// These compile only when every struct has the layout of its record.")
	r.f("#[cfg(target_pointer_width = \"32\")]")
	r.f("const _: () = {")
	r.f("    use core::mem::{align_of, size_of};")
	r.f("")
	r.f("    /// Every byte holds its own index, so what stands at a field's address is the field's offset.")
	r.f("    #[repr(align(8))]")
	r.f("    struct Indexes([u8; %d]);", largest)
	r.f("    const INDEXES: &Indexes = &{")
	r.f("        let mut indexes = [0; %d];", largest)
	r.f("        let mut i = 0;")
	r.f("        while i < indexes.len() {")
	r.f("            indexes[i] = i as u8;")
	r.f("            i += 1;")
	r.f("        }")
	r.f("        Indexes(indexes)")
	r.f("    };")
	r.f("    macro_rules! offset_of {")
	r.f("        ($record:ty, $field:ident) => {{")
	r.f("            let record = INDEXES.0.as_ptr() as *const $record;")
	r.f("            // SAFETY: no record is larger than the indexes, and a byte of them is what is read.")
	r.f("            unsafe { *(core::ptr::addr_of!((*record).$field) as *const u8) }")
	r.f("        }};")
	r.f("    }")
	for _, t := range records {
		name := pascal(t.name)
		r.f("")
		r.f("    assert!(size_of::<%s>() == %d);", name, t.size)
		r.f("    assert!(align_of::<%s>() == %d);", name, t.align)
		for _, f := range t.members {
			r.f("    assert!(offset_of!(%s, %s) == %d);", name, f.name, f.offset)
		}
	}
	r.f("};")
}

// exportTypes writes the types of the functions that a handler exports.
func (r *rustText) exportTypes(m *module) {
	for _, f := range m.functions {
		r.f("")
		docs := append([]string{"The type of the export `" + f.name + "`."}, f.docs...)
		r.comment("///", append(docs, functionDocs(f, asIs)...)...)
		result := ""
		if f.result != nil {
			result = " -> " + rustType(f.result.typ)
		}
		head, typ := "pub type "+pascal(f.name)+"Export =", "extern \"C\" fn("+strings.Join(rustRawParams(f), ", ")+")"+result+";"
		if len(head)+1+len(typ) > rustWidth {
			r.f("%s\n    %s", head, typ)
		} else {
			r.f("%s %s", head, typ)
		}
	}
}

// imports writes the functions of the host: as wasm sees them, and with types.
func (r *rustText) imports(m *module) {
	r.f("")
	r.f("#[cfg(target_arch = \"wasm32\")]")
	r.f("pub use imports::*;")
	r.f("")
	r.comment("///", m.docs...)
	r.f("#[cfg(target_arch = \"wasm32\")]")
	r.f("mod imports {")
	r.f("    use super::*;")
	r.f("")
	r.f("    mod raw {")
	r.f("        use super::*;")
	r.f("")
	r.f("        #[link(wasm_import_module = %q)]", m.name)
	r.f("        extern \"C\" {")
	for _, f := range m.functions {
		r.broken("            ", "pub fn "+f.name+"(", rustRawParams(f), ") -> u32;")
	}
	r.f("        }")
	r.f("    }")
	for _, f := range m.functions {
		r.importWrapper(f)
	}
	r.f("}")
}

// rustSafety says what a caller must see to: the host follows addresses inside of what it is given. Empty when a call is
// safe.
func rustSafety(f *function) string {
	for _, p := range f.params {
		if p.typ.kind == kindList && p.typ.elem.kind == kindRecord {
			return "The addresses in `" + p.name + "` must be valid during the call."
		}
	}
	return ""
}

// importWrapper writes a function with types.
func (r *rustText) importWrapper(f *function) {
	var params, args []string
	for _, p := range f.params {
		name := p.name
		switch p.typ.kind {
		case kindList:
			params = append(params, fmt.Sprintf("%s: &[%s]", name, rustType(p.typ.elem)))
			args = append(args, name+".as_ptr()", name+".len()")
		case kindPointer:
			params = append(params, fmt.Sprintf("%s: &mut %s", name, rustType(p.typ.elem)))
			args = append(args, name)
		case kindConstPointer:
			params = append(params, fmt.Sprintf("%s: &%s", name, rustType(p.typ.elem)))
			args = append(args, name)
		default:
			params = append(params, name+": "+rustType(p.typ))
			args = append(args, rustLower(p.typ, name))
		}
	}
	r.f("")
	docs := slices.Concat(f.docs, functionDocs(f, asIs))
	keyword := "pub fn"
	safety := rustSafety(f)
	if safety != "" {
		docs = append(docs, "", "# Safety", "", safety)
		keyword = "pub unsafe fn"
	}
	r.comment("    ///", docs...)
	r.broken("    ", keyword+" "+f.name+"(", params, ") -> Errno {")
	open, end := "Errno(raw::"+f.name+"(", ") as u16)"
	if safety == "" {
		r.f("        // SAFETY: the host reads and writes only what the references name.")
		open, end = "Errno(unsafe { raw::"+f.name+"(", ") } as u16)"
	}
	r.broken("        ", open, args, end)
	r.f("    }")
}

// rustWidth is where rustfmt breaks lines.
const rustWidth = 100

// broken writes a list as rustfmt does: in one line where it fits, else one element a line.
func (r *rustText) broken(indent, open string, elements []string, end string) {
	if line := indent + open + strings.Join(elements, ", ") + end; len(line) <= rustWidth {
		r.f("%s", line)
		return
	}
	r.f("%s%s", indent, open)
	for _, e := range elements {
		r.f("%s    %s,", indent, e)
	}
	r.f("%s%s", indent, end)
}

// rustRawParams gives the parameters as wasm sees them.
func rustRawParams(f *function) []string {
	var params []string
	for _, p := range f.params {
		name := p.name
		switch p.typ.kind {
		case kindList:
			params = append(params, name+": *const "+rustType(p.typ.elem), name+"_len: usize")
		case kindPointer, kindConstPointer:
			params = append(params, name+": "+rustType(p.typ))
		default:
			if wasmType(p.typ) == i64 {
				params = append(params, name+": u64")
			} else {
				params = append(params, name+": u32")
			}
		}
	}
	return params
}

// rustLower passes a value as wasm wants it.
func rustLower(t *typ, name string) string {
	inner := rustInner(t, name)
	if t.bits == 32 || t.bits == 64 {
		return inner
	}
	return inner + " as u32"
}

// rustInner gives the number inside of a value: behind .0 where the type is a struct around it.
func rustInner(t *typ, value string) string {
	switch {
	case t.kind == kindEnum, t.kind == kindFlags, t.kind == kindHandle, t.kind == kindInt && len(t.consts) > 0:
		return value + ".0"
	}
	return value
}

// rustType gives the Rust type of a field or a parameter.
func rustType(t *typ) string {
	switch {
	case t.kind == kindPointer:
		return "*mut " + rustType(t.elem)
	case t.kind == kindConstPointer:
		return "*const " + rustType(t.elem)
	case t.line == 0:
		return t.name
	}
	return pascal(t.name)
}
