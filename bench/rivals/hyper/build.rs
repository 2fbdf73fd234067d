//! Tells the program which hyper it holds, for --version.

use std::fs;

fn main() {
    println!("cargo:rerun-if-changed=Cargo.lock");
    let lock = fs::read_to_string("Cargo.lock").expect("Cargo.lock is beside this file");
    println!("cargo:rustc-env=HYPER_VERSION={}", version(&lock, "hyper").expect("Cargo.lock names hyper"));
}

/// In a lock file the version of a package is on the line after its name.
fn version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let line = lock.lines().skip_while(|line| *line != name).nth(1)?;
    line.strip_prefix("version = \"")?.strip_suffix('"')
}
