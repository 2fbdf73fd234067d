//! Reads events.witx with the reference crate `witx` and holds what it understands against the goldens that our own
//! generator wrote: the signature of every function; the size, alignment, offsets and numbers of every type.
//!
//! ```text
//! cargo run --quiet --locked --manifest-path abi/witx-check/Cargo.toml [FOLDER]
//! ```
//!
//! The folder holds events.witx, signatures.golden and layout.golden; by default it is abi/. Every difference is printed,
//! and there is none when it exits with 0.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use witx::{
    Document, IntRepr, Layout, NamedType, RecordDatatype, RecordKind, Type, TypeRef, WasmType,
};

fn main() -> ExitCode {
    let folder = match std::env::args_os().nth(1) {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join(".."),
    };
    match run(&folder) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{}", error);
            ExitCode::FAILURE
        }
    }
}

/// Whether both goldens hold.
fn run(folder: &Path) -> Result<bool, String> {
    let path = folder.join("events.witx");
    let document = witx::load(&[&path]).map_err(|error| error.report())?;
    let signatures = compare(&folder.join("signatures.golden"), &signatures(&document))?;
    let layout = compare(&folder.join("layout.golden"), &layout(&document))?;
    Ok(signatures && layout)
}

/// Holds a golden against what the reference says, and prints the lines that only one of them has.
fn compare(path: &Path, reference: &str) -> Result<bool, String> {
    let golden =
        std::fs::read_to_string(path).map_err(|error| format!("{}: {}", path.display(), error))?;
    let golden: Vec<&str> = golden
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    let reference: Vec<&str> = reference.lines().collect();
    if golden == reference {
        return Ok(true);
    }
    println!(
        "{} is not what the reference crate reads in events.witx:",
        path.display()
    );
    for line in golden.iter().filter(|line| !reference.contains(line)) {
        println!("  golden:    {}", line);
    }
    for line in reference.iter().filter(|line| !golden.contains(line)) {
        println!("  reference: {}", line);
    }
    // Nothing was printed when the lines are the same in another order.
    println!("If events.witx changed: go run ./abi/gen. Otherwise the generator and the reference disagree.");
    Ok(false)
}

/// One line for each function: "module function (params) -> (results)".
fn signatures(document: &Document) -> String {
    let mut text = String::new();
    for module in document.modules() {
        for function in module.funcs() {
            let (params, results) = function.wasm_signature();
            let name = (module.name.as_str(), function.name.as_str());
            writeln!(
                text,
                "{} {} ({}) -> ({})",
                name.0,
                name.1,
                words(&params),
                words(&results)
            )
            .unwrap();
        }
    }
    text
}

fn words(types: &[WasmType]) -> String {
    let names: Vec<&str> = types
        .iter()
        .map(|t| match t {
            WasmType::I32 => "i32",
            WasmType::I64 => "i64",
            WasmType::F32 => "f32",
            WasmType::F64 => "f64",
        })
        .collect();
    names.join(" ")
}

/// One line for each type, and below it one for each of its fields, cases, flags and constants.
fn layout(document: &Document) -> String {
    let mut text = String::new();
    for named in document.typenames() {
        let (size, align) = (named.mem_size(), named.mem_align());
        writeln!(
            text,
            "{}: {}, size {}, align {}",
            named.name.as_str(),
            kind(&named),
            size,
            align
        )
        .unwrap();
        members(&mut text, &named);
        for constant in document
            .constants()
            .filter(|constant| constant.ty == named.name)
        {
            let name = (named.name.as_str(), constant.name.as_str());
            writeln!(text, "{}.{} = {}", name.0, name.1, constant.value).unwrap();
        }
    }
    text
}

fn members(text: &mut String, named: &NamedType) {
    let name = named.name.as_str();
    match &**named.type_() {
        Type::Record(record) if record.bitflags_repr().is_some() => {
            for (bit, flag) in record.members.iter().enumerate() {
                writeln!(text, "{}.{} = {}", name, flag.name.as_str(), 1u64 << bit).unwrap();
            }
        }
        Type::Record(record) => fields(text, name, record),
        Type::Variant(variant) => {
            for (number, case) in variant.cases.iter().enumerate() {
                writeln!(text, "{}.{} = {}", name, case.name.as_str(), number).unwrap();
            }
        }
        _ => {}
    }
}

fn fields(text: &mut String, name: &str, record: &RecordDatatype) {
    for field in record.member_layout() {
        let tref = &field.member.tref;
        let (field_name, size) = (field.member.name.as_str(), tref.mem_size());
        writeln!(
            text,
            "{}.{}: {}, offset {}, size {}",
            name,
            field_name,
            describe(tref),
            field.offset,
            size
        )
        .unwrap();
    }
}

/// What a typename stands for.
fn kind(named: &NamedType) -> String {
    match &**named.type_() {
        Type::Record(record) => match record.kind {
            RecordKind::Bitflags(_) => "flags".to_string(),
            _ => "record".to_string(),
        },
        Type::Variant(variant) if variant.is_enum() => "enum".to_string(),
        Type::Handle(_) => "handle".to_string(),
        _ => describe(&named.tref),
    }
}

/// How a field's type is called.
fn describe(tref: &TypeRef) -> String {
    match tref {
        TypeRef::Name(named) => named.name.as_str().to_string(),
        TypeRef::Value(value) => match &**value {
            Type::List(element) => format!("list of {}", describe(element)),
            Type::Pointer(target) => format!("pointer to {}", describe(target)),
            Type::ConstPointer(target) => format!("const pointer to {}", describe(target)),
            Type::Builtin(builtin) => integer(*builtin),
            other => other.kind().to_string(),
        },
    }
}

fn integer(builtin: witx::BuiltinType) -> String {
    for (repr, name) in [
        (IntRepr::U8, "u8"),
        (IntRepr::U16, "u16"),
        (IntRepr::U32, "u32"),
        (IntRepr::U64, "u64"),
    ] {
        if repr.to_builtin() == builtin {
            return name.to_string();
        }
    }
    format!("{:?}", builtin)
}
