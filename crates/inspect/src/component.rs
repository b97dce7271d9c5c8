//! WebAssembly components: what they import, against what their manifest declares.

use souk_package::manifest::Manifest;
use wasmparser::{ComponentTypeRef, Encoding, Parser, Payload, Validator};

/// Interfaces of WASI that a component may always import.
const ALWAYS: [&str; 5] = ["wasi:cli/", "wasi:io/", "wasi:clocks/", "wasi:random/", "wasi:filesystem/"];
/// Interfaces that reach the network.
const NETWORK: [&str; 2] = ["wasi:http/", "wasi:sockets/"];
/// Souk's own.
const OWN: &str = "souk:plugin/";

/// Whether these bytes are, or pass themselves off as, WebAssembly.
pub(crate) fn is_meant_as_one(path: &str, bytes: &[u8]) -> bool {
    bytes.starts_with(b"\0asm") || [".wasm", ".cwasm"].iter().any(|end| path.ends_with(end))
}

/// Rules that the component breaks, each with what exactly.
pub(crate) fn broken(bytes: &[u8], manifest: Option<&Manifest>) -> Vec<(&'static str, String)> {
    if bytes.starts_with(b"\x7fELF") || !bytes.starts_with(b"\0asm") {
        return vec![("component.precompiled", "it does not begin as WebAssembly does".to_owned())];
    }
    if Parser::is_core_wasm(bytes) {
        return vec![("component.core_module", "it is a core module".to_owned())];
    }
    if let Err(error) = Validator::new().validate_all(bytes) {
        return vec![("component.malformed", error.to_string())];
    }
    match interface(bytes) {
        Ok((imports, exports)) => judge(&imports, &exports, manifest),
        Err(error) => vec![("component.malformed", error.to_string())],
    }
}

/// Names that the component itself, and none inside of it, imports and exports.
fn interface(bytes: &[u8]) -> wasmparser::Result<(Vec<String>, Vec<String>)> {
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::Version { encoding: Encoding::Component | Encoding::Module, .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    let import = import?;
                    // A type comes from nowhere: it only has a name.
                    if !matches!(import.ty, ComponentTypeRef::Type(_)) {
                        imports.push(import.name.name.to_owned());
                    }
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    exports.push(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok((imports, exports))
}

fn judge(imports: &[String], exports: &[String], manifest: Option<&Manifest>) -> Vec<(&'static str, String)> {
    let may_connect = manifest.is_some_and(|manifest| manifest.capabilities.reaches_network());
    let mut found = Vec::new();
    for import in imports {
        let begins = |list: &[&str]| list.iter().any(|prefix| import.starts_with(prefix));
        if begins(&NETWORK) {
            if !may_connect {
                found.push(("component.undeclared_import", format!("`{import}` needs `network` in the capabilities")));
            }
        } else if !begins(&ALWAYS) && !import.starts_with(OWN) {
            found.push(("component.unknown_import", format!("`{import}` is not offered")));
        }
    }
    let runs = |export: &String| export == "run" || export.starts_with(OWN) || export.starts_with("wasi:cli/run");
    if !exports.iter().any(runs) {
        found.push(("component.no_run", "it exports no `run`".to_owned()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(imports: &[&str], exports: &[&str]) -> Vec<&'static str> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        judge(&owned(imports), &owned(exports), None).into_iter().map(|(rule, _)| rule).collect()
    }

    #[test]
    fn components_from_rust_break_nothing_but_what_they_do_not_declare() {
        let words = include_bytes!("../../sandbox/fixtures/words.wasm");
        assert_eq!(broken(words, None), []);
        let fetch = include_bytes!("../../sandbox/fixtures/fetch.wasm");
        let rules: Vec<_> = broken(fetch, None).into_iter().map(|(rule, _)| rule).collect();
        assert!(!rules.is_empty() && rules.iter().all(|rule| *rule == "component.undeclared_import"), "{rules:?}");
    }

    #[test]
    fn imports_are_compared_with_what_is_declared() {
        assert_eq!(rules(&["wasi:io/poll@0.2.6", "souk:plugin/log@0.1.0"], &["run"]), Vec::<&str>::new());
        assert_eq!(rules(&["wasi:http/outgoing-handler@0.2.6"], &["run"]), ["component.undeclared_import"]);
        assert_eq!(rules(&["acme:host/shell"], &[]), ["component.unknown_import", "component.no_run"]);
    }

    /// A component that imports an instance of no members under `name`, byte by byte as the format has it.
    fn importing(name: &str) -> Vec<u8> {
        let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
        bytes.extend([7, 3, 1, 0x42, 0]);
        let length = u8::try_from(name.len()).unwrap();
        bytes.extend([10, length + 5, 1, 0, length]);
        bytes.extend(name.bytes());
        bytes.extend([5, 0]);
        bytes
    }

    #[test]
    fn imports_are_read_from_the_bytes() {
        let first = |name: &str, manifest: Option<&Manifest>| broken(&importing(name), manifest)[0].0;
        assert_eq!(first("wasi:http/types@0.2.6", None), "component.undeclared_import");
        assert_eq!(first("acme:host/shell@1.0.0", None), "component.unknown_import");
        assert_eq!(first("wasi:io/poll@0.2.6", None), "component.no_run");
        let manifest = serde_json::json!({"name":"demo","version":"1.0.0","kind":"asset","summary":"x","license":"MIT",
            "capabilities":{"network":["api.example.com"]}});
        let manifest = souk_package::manifest::parse(&manifest).unwrap();
        assert_eq!(first("wasi:http/types@0.2.6", Some(&manifest)), "component.no_run");
    }

    #[test]
    fn what_is_no_component_is_refused() {
        let first = |bytes: &[u8]| broken(bytes, None)[0].0;
        assert_eq!(first(b"\x7fELF\x02\x01\x01"), "component.precompiled");
        assert_eq!(first(b"\0asm\x01\0\0\0"), "component.core_module");
        assert_eq!(first(b"\0asm\x0d\0\x01\0\xff"), "component.malformed");
        assert_eq!(first(b"\0asm\x0d\0\x01\0"), "component.no_run", "an empty component is sound, but does nothing");
    }
}
