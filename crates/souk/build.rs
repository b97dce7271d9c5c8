//! What a report of measurements names: the compiler.

use std::{env, process::Command};

fn main() {
    let compiler = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = Command::new(compiler).arg("--version").output().ok();
    let version = version.and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    println!("cargo::rustc-env=SOUK_RUSTC={}", version.trim());
    println!("cargo::rerun-if-changed=build.rs");
}
