//! What is refused before anything is compiled, and which imports exist.

use souk_ports::{SandboxError, sandbox::MAX_MEMORY_MIB};
use wasmparser::{BinaryReaderError, Encoding, Parser, Payload};
use wasmtime::{Engine, component::Component};

use crate::{engine::TABLE_ELEMENTS, settings::Settings};

/// Modules and components inside of a component.
const PARTS: u32 = 1_000;

/// Pages of 64 KiB that a memory may begin with.
const PAGES: u64 = (MAX_MEMORY_MIB as u64) << 4;

/// Interfaces that every component may import: without a folder, a secret or a grant of hosts they reach nothing outside. Of version 0.2.
const ALWAYS: [&str; 20] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
];

/// Interfaces for a component that may reach at least one host.
const HTTP: [&str; 2] = ["wasi:http/outgoing-handler", "wasi:http/types"];

/// Looks at bytes that somebody handed in, without compiling them.
pub(crate) fn inspect(bytes: &[u8], settings: &Settings) -> Result<(), SandboxError> {
    if bytes.len() > settings.component {
        return Err(SandboxError::TooLarge(format!("{} bytes of {}", bytes.len(), settings.component)));
    }
    if bytes.starts_with(b"\x7fELF") || Engine::detect_precompiled(bytes).is_some() {
        return Err(SandboxError::Precompiled);
    }
    if !bytes.starts_with(b"\0asm") {
        return Err(SandboxError::NotAComponent("it does not begin as one".into()));
    }
    let mut counted = Counted { functions: 0, parts: 0, first: true };
    for payload in Parser::new(0).parse_all(bytes) {
        counted.count(payload.map_err(malformed)?, settings)?;
    }
    Ok(())
}

fn malformed(error: BinaryReaderError) -> SandboxError {
    SandboxError::Malformed(error.to_string())
}

struct Counted {
    functions: u32,
    parts: u32,
    first: bool,
}

impl Counted {
    fn count(&mut self, payload: Payload<'_>, settings: &Settings) -> Result<(), SandboxError> {
        match payload {
            Payload::Version { encoding, .. } => {
                if self.first && encoding != Encoding::Component {
                    return Err(SandboxError::NotAComponent("it is a core module".into()));
                }
                self.first = false;
                self.parts += 1;
                if self.parts > PARTS {
                    return Err(SandboxError::TooLarge(format!("more than {PARTS} modules and components in it")));
                }
            }
            Payload::CodeSectionStart { count, .. } => {
                self.functions = self.functions.saturating_add(count);
                if self.functions > settings.functions {
                    return Err(SandboxError::TooLarge(format!("more than {} functions", settings.functions)));
                }
            }
            Payload::CodeSectionEntry(body) => {
                let size = body.range().len();
                if size > settings.function {
                    return Err(SandboxError::TooLarge(format!("a function of {size} bytes")));
                }
            }
            Payload::MemorySection(memories) => {
                for memory in memories {
                    let pages = memory.map_err(malformed)?.initial;
                    if pages > PAGES {
                        return Err(SandboxError::TooLarge(format!("a memory of {pages} pages")));
                    }
                }
            }
            Payload::TableSection(tables) => {
                for table in tables {
                    let elements = table.map_err(malformed)?.ty.initial;
                    if elements > TABLE_ELEMENTS as u64 {
                        return Err(SandboxError::TooLarge(format!("a table of {elements} elements")));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Whether every import exists for a component that may (`http`) or may not reach hosts.
pub(crate) fn check_imports(engine: &Engine, component: &Component, http: bool) -> Result<(), SandboxError> {
    for (name, _) in component.component_type().imports(engine) {
        let interface = name.split_once('@').filter(|(_, version)| version.starts_with("0.2.")).map(|(name, _)| name);
        let known =
            interface.is_some_and(|interface| ALWAYS.contains(&interface) || (http && HTTP.contains(&interface)));
        if !known {
            return Err(SandboxError::UndeclaredImport(name.to_owned()));
        }
    }
    Ok(())
}
