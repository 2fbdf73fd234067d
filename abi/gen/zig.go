package main

import (
	"fmt"
	"slices"
	"strings"
)

// zigModule writes the file for handlers in Zig. Its translation of the C header would lose the module that functions are
// imported from.
func zigModule(doc *document) ([]byte, error) {
	z := &zigText{}
	z.f("// %s", notice)
	z.f("")
	z.comment("//!", "The binary interface between a handler written in Zig and its host, as abi/REFERENCE.md describes it.",
		"Words in backquotes are names of abi/events.witx.",
		"",
		"Enumerations are not exhaustive, because a newer host may give a number that this file does not know.")
	types := doc.typesFor(handlers)
	for _, t := range types {
		z.typ(t)
	}
	imports := doc.module(handlerImports)
	z.f("")
	z.comment("//", imports.docs...)
	for _, f := range imports.functions {
		z.function(f)
	}
	z.asserts(ofKind(types, kindRecord))
	return []byte(z.String()), nil
}

// zigText is Zig source in the making.
type zigText struct{ text }

func (z *zigText) typ(t *typ) {
	z.f("")
	docs := t.docs
	if t.kind == kindRecord {
		docs = slices.Concat(docs, []string{layoutSentence(t)})
	}
	z.comment("///", docs...)
	name := pascal(t.name)
	switch {
	case t.kind == kindRecord:
		z.f("pub const %s = extern struct {", name)
		for _, f := range t.members {
			z.comment("    ///", f.docs...)
			z.f("    %s: %s,", zigName(f.name), zigType(f.typ))
		}
		z.f("};")
	case t.kind == kindList:
		z.list(t)
	case t.kind == kindFlags:
		z.flags(t)
	case t.kind == kindHandle:
		z.f("pub const %s = enum(u%d) { _ };", name, t.bits)
	case t.kind == kindInt && len(t.consts) == 0:
		z.f("pub const %s = u%d;", name, t.bits)
	default:
		z.enum(t)
	}
}

// list writes a list as the address and the number of its elements. An empty one may have no address.
func (z *zigText) list(t *typ) {
	elem := zigType(t.elem)
	z.f("pub const %s = extern struct {", pascal(t.name))
	z.f("    /// The first element.")
	z.f("    ptr: ?[*]const %s,", elem)
	z.f("    /// The number of elements.")
	z.f("    len: usize,")
	z.f("")
	z.f("    /// Where a slice lies. It must outlive every use of the result. An empty one has no address: Zig's may be anything.")
	z.f("    pub fn from(elements: []const %s) %s {", elem, pascal(t.name))
	z.f("        return .{ .ptr = if (elements.len > 0) elements.ptr else null, .len = elements.len };")
	z.f("    }")
	z.f("")
	z.f("    /// The elements.")
	z.f("    pub fn slice(self: %s) []const %s {", pascal(t.name), elem)
	z.f("        return if (self.len > 0) self.ptr.?[0..self.len] else &.{};")
	z.f("    }")
	z.f("};")
}

// flags writes a set as a record of bits.
func (z *zigText) flags(t *typ) {
	z.f("pub const %s = packed struct(u%d) {", pascal(t.name), t.bits)
	for _, m := range t.members {
		z.comment("    ///", m.docs...)
		z.f("    %s: bool = false,", zigName(m.name))
	}
	if rest := t.bits - len(t.members); rest > 0 {
		z.f("    _: u%d = 0,", rest)
	}
	z.f("};")
}

func (z *zigText) enum(t *typ) {
	members, format := t.members, "%s = %d,"
	if t.kind == kindInt {
		members, format = t.consts, "%s = %#04x,"
	}
	z.f("pub const %s = enum(u%d) {", pascal(t.name), t.bits)
	for _, m := range members {
		z.comment("    ///", m.docs...)
		z.f("    "+format, zigName(m.name), m.value)
	}
	z.f("    _,")
	z.f("};")
}

// function declares an import.
func (z *zigText) function(f *function) {
	var params []string
	for _, p := range f.params {
		switch p.typ.kind {
		case kindList:
			params = append(params, zigName(p.name)+": ?[*]const "+zigType(p.typ.elem), p.name+"_len: usize")
		default:
			params = append(params, zigName(p.name)+": "+zigType(p.typ))
		}
	}
	z.f("")
	z.comment("///", slices.Concat(f.docs, functionDocs(f, asIs))...)
	head, result := fmt.Sprintf("pub extern %q fn %s", handlerImports, zigName(f.name)), zigType(f.result.typ)
	if line := fmt.Sprintf("%s(%s) %s;", head, strings.Join(params, ", "), result); len(line) <= textWidth {
		z.f("%s", line)
		return
	}
	z.f("%s(", head)
	for _, p := range params {
		z.f("    %s,", p)
	}
	z.f(") %s;", result)
}

// asserts holds the layout of every record where it counts.
func (z *zigText) asserts(records []*typ) {
	z.WriteString(`
comptime {
    const assert = @import("std").debug.assert;
    if (@import("builtin").cpu.arch == .wasm32) {
`)
	for _, t := range records {
		z.f("        assert(@sizeOf(%s) == %d);", pascal(t.name), t.size)
		z.f("        assert(@alignOf(%s) == %d);", pascal(t.name), t.align)
		for _, f := range t.members {
			z.f("        assert(@offsetOf(%s, %q) == %d);", pascal(t.name), f.name, f.offset)
		}
	}
	z.f("    }")
	z.f("}")
}

// zigType names a type of a field, a parameter or a result.
func zigType(t *typ) string {
	switch {
	case t.kind == kindExpected:
		return zigType(t.elem)
	case t.kind == kindPointer && t.elem.line == 0:
		return "?[*]" + zigType(t.elem)
	case t.kind == kindConstPointer && t.elem.line == 0:
		return "?[*]const " + zigType(t.elem)
	case t.kind == kindPointer:
		return "*" + zigType(t.elem)
	case t.kind == kindConstPointer:
		return "*const " + zigType(t.elem)
	case t.kind == kindBool:
		return "bool"
	case t.line == 0:
		return fmt.Sprintf("u%d", t.bits)
	}
	return pascal(t.name)
}

// zigKeywords are words of the language that could be names here.
var zigKeywords = []string{"align", "and", "async", "await", "break", "const", "continue", "defer", "else", "enum", "error",
	"export", "extern", "for", "if", "opaque", "or", "orelse", "packed", "pub", "resume", "return", "struct", "suspend", "switch",
	"test", "try", "union", "unreachable", "var", "volatile", "while"}

// zigName quotes what would not be a name.
func zigName(name string) string {
	if slices.Contains(zigKeywords, name) {
		return fmt.Sprintf("@%q", name)
	}
	return name
}

// zigConformance writes the program of sdk-zig/conformance. conformance.go says what it is for.
func zigConformance(doc *document) ([]byte, error) {
	z := &zigText{}
	z.f("// %s", notice)
	z.WriteString(`
const abi = @import("abi");

var room: extern union {
`)
	records := ofKind(doc.typesFor(handlers), kindRecord)
	for _, r := range records {
		z.f("    %s: abi.%s,", zigName(r.name), pascal(r.name))
	}
	z.WriteString(`} = undefined;

fn address() callconv(.c) *anyopaque {
    return &room;
}

comptime {
    @export(&address, .{ .name = "room" });
}

fn get(place: anytype) u64 {
    const value = place.*;
    return switch (@typeInfo(@TypeOf(value))) {
        .int => value,
        .@"enum" => @intFromEnum(value),
        .@"struct" => |s| @as(s.backing_integer.?, @bitCast(value)),
        else => @intFromPtr(value),
    };
}

fn set(place: anytype, value: u64) void {
    const T = @TypeOf(place.*);
    place.* = switch (@typeInfo(T)) {
        .int => @truncate(value),
        .@"enum" => |e| @enumFromInt(@as(e.tag_type, @truncate(value))),
        .@"struct" => |s| @bitCast(@as(s.backing_integer.?, @truncate(value))),
        else => @ptrFromInt(@as(usize, @truncate(value))),
    };
}
`)
	for _, r := range records {
		for _, l := range r.leaves() {
			place := "room." + zigName(r.name)
			for _, step := range l.path {
				place += "." + zigName(step)
			}
			name := l.exportName(r)
			z.f("")
			z.f("export fn get_%s() u64 {", name)
			z.f("    return get(&%s);", place)
			z.f("}")
			z.f("export fn set_%s(value: u64) void {", name)
			z.f("    set(&%s, value);", place)
			z.f("}")
		}
	}
	for _, f := range doc.module(handlerImports).functions {
		var value argument
		var args []string
		for _, p := range f.params {
			args = append(args, zigArgument(p.typ, &value))
		}
		z.f("")
		z.f("export fn call_%s() u32 {", f.name)
		z.f("    return @intFromEnum(abi.%s(%s));", zigName(f.name), strings.Join(args, ", "))
		z.f("}")
	}
	return []byte(z.String()), nil
}

// zigArgument writes the next value as one of a type.
func zigArgument(t *typ, value *argument) string {
	switch t.kind {
	case kindList:
		return fmt.Sprintf("@ptrFromInt(%d), %d", value.next(), value.next())
	case kindPointer, kindConstPointer:
		return fmt.Sprintf("@ptrFromInt(%d)", value.next())
	case kindHandle, kindEnum:
		return fmt.Sprintf("@enumFromInt(%d)", value.next())
	case kindBool:
		value.next()
		return "true"
	}
	return fmt.Sprint(value.next())
}
