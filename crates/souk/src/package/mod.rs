//! Packages as they lie on a disk.

mod folder;

use std::path::{Path, PathBuf};

use semver::Version;
use serde_json::{Value, json};
use souk_app::validation::{Input, KeyStanding, Signed, Signing};
use souk_domain::listing::Kind;
use souk_package::{
    archive::{Archive, Limits, inspect},
    frontmatter, manifest,
    pack::pack,
    shown,
};

pub use self::folder::packed_name;
use crate::import::naming;

/// The file in which a package's folder keeps its manifest.
pub const MANIFEST: &str = "souk.json";

/// A package that was read.
pub struct Package {
    /// What the pipeline is given.
    pub input: Input,
    /// Whether there was no manifest, so that one was made from what the files say.
    pub made_up: bool,
    /// A signature that lies beside it without its key.
    pub unchecked: Option<PathBuf>,
    /// What lies in its folder and is no part of it; folders end with a slash.
    pub left_out: Vec<String>,
    /// The file that the manifest names as its entry and that is not there.
    pub missing: Option<Missing>,
}

/// An entry that is not there.
pub struct Missing {
    entry: String,
    /// The command that makes it, if the manifest says so.
    build: Option<String>,
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`, the entry that {MANIFEST} names, is not there", shown(self.entry.as_bytes()))?;
        match &self.build {
            Some(build) => write!(f, "; build it: {}", shown(build.as_bytes())),
            None => write!(f, "; build it first ({MANIFEST} can say how, as `build`)"),
        }
    }
}

impl Package {
    /// `input` with nothing to remark.
    pub const fn of(input: Input) -> Self {
        Self { input, made_up: false, unchecked: None, left_out: Vec::new(), missing: None }
    }
}

/// Reads a folder, an archive or a single file.
///
/// # Errors
/// Why it cannot be read.
pub fn read(path: &Path, kind: Option<Kind>) -> Result<Package, String> {
    let (bytes, left_out) = bytes(path)?;
    // What is no archive is for the pipeline to say.
    let contents = inspect(&bytes, &Limits::default()).ok();
    let contents = contents.as_ref();
    let stated = contents.and_then(|archive| at_root(archive, MANIFEST)).map(serde_json::from_slice::<Value>);
    let stated = stated.transpose().map_err(|error| format!("{MANIFEST}: {error}"))?;
    let made_up = stated.is_none();
    let of_manifest = stated.as_ref().and_then(|value| serde_json::from_value(value.get("kind")?.clone()).ok());
    let kind = kind.or(of_manifest).or_else(|| contents.map(kind_of)).unwrap_or(Kind::Asset);
    let manifest = stated.unwrap_or_else(|| manifest_of(path, kind, contents));
    // What the manifest itself has wrong is found by its own step; here it only has to agree with itself.
    let text = |field: &str| manifest.get(field).and_then(Value::as_str).unwrap_or_default();
    let missing = contents.and_then(|archive| {
        let entry = Some(text("entry").trim_start_matches("./")).filter(|entry| !entry.is_empty())?;
        let build = Some(text("build")).filter(|build| !build.is_empty()).map(str::to_owned);
        archive.read(entry).is_none().then(|| Missing { entry: entry.to_owned(), build })
    });
    let (name, version) = (text("name").to_owned(), Version::parse(text("version")).unwrap_or(Version::new(0, 0, 0)));
    let mut input = Input::of(kind, name, version, manifest, bytes);
    let (signature, unchecked) = signature(path)?;
    input.signature = signature;
    Ok(Package { input, made_up, unchecked, left_out, missing })
}

/// The signature beside a package, as `souk sign --json` wrote it; else the file that holds one which cannot be checked.
fn signature(path: &Path) -> Result<(Signed, Option<PathBuf>), String> {
    let mut name = path.as_os_str().to_owned();
    name.push(".sig");
    let beside = PathBuf::from(name);
    let text = match std::fs::read_to_string(&beside) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((Signed::Unknown, None)),
        Err(error) => return Err(format!("{}: {error}", beside.display())),
    };
    let document: Value = serde_json::from_str(&text).unwrap_or_default();
    let field = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
    // A signature alone does not say by whose key it is.
    let (Some(public_key), Some(signature)) = (field("publicKey"), field("signature")) else {
        return Ok((Signed::Unknown, Some(beside)));
    };
    Ok((Signed::By(Signing { key_id: None, public_key, signature, key: KeyStanding::Unknown }), None))
}

/// The same, of what is to be handed in: it has a manifest, and its entry is built.
///
/// # Errors
/// Why it cannot be read, or what is missing.
pub fn complete(path: &Path) -> Result<Package, String> {
    let package = read(path, None)?;
    if package.made_up {
        return Err(format!(
            "there is no {MANIFEST} at the top; `souk new` writes one, and docs/AUTHORS.md explains it"
        ));
    }
    if let Some(missing) = &package.missing {
        return Err(missing.to_string());
    }
    if let Err(findings) = manifest::parse(&package.input.manifest) {
        let wrong: String = findings.iter().map(|finding| format!("\n  {}", finding.message)).collect();
        return Err(format!("{MANIFEST} is wrong:{wrong}"));
    }
    Ok(package)
}

/// The archive, and what of the folder is no part of it.
fn bytes(path: &Path) -> Result<(Vec<u8>, Vec<String>), String> {
    let found = path.canonicalize().map_err(|error| error.to_string())?;
    if found.is_dir() {
        return folder::read(&found);
    }
    if !found.is_file() {
        return Err("this is no regular file".to_owned());
    }
    let bytes = std::fs::read(&found).map_err(|error| error.to_string())?;
    let name = found.file_name().and_then(|name| name.to_str()).unwrap_or("file");
    let is_text = [".md", ".json"].iter().any(|end| name.to_ascii_lowercase().ends_with(end));
    let bytes = if is_text { pack([(name.to_owned(), bytes)]).map_err(|error| error.to_string())? } else { bytes };
    Ok((bytes, Vec::new()))
}

/// A file at the top of the archive or of its one folder.
fn at_root<'a>(archive: &'a Archive, name: &str) -> Option<&'a [u8]> {
    let in_folder = || archive.read(&format!("{}/{name}", archive.only_folder()?));
    archive.read(name).or_else(in_folder)
}

fn kind_of(archive: &Archive) -> Kind {
    let top = archive.only_folder().map(|folder| format!("{folder}/")).unwrap_or_default();
    let paths = || archive.files().iter().map(|file| file.path.strip_prefix(&top).unwrap_or(&file.path));
    let any =
        |matches: &dyn Fn(&str) -> bool| paths().any(matches) || archive.files().iter().any(|file| matches(&file.path));
    let parts = [".claude-plugin/plugin.json", "agents/", "commands/", "skills/", "hooks/", ".mcp.json"];
    if any(&|path| parts.iter().any(|part| path.starts_with(part))) {
        return Kind::Plugin;
    }
    if any(&|path| path == "SKILL.md") {
        return Kind::Skill;
    }
    if any(&|path| path == "server.json") {
        return Kind::McpServer;
    }
    if archive.files().iter().any(|file| is_workflow(archive, &file.path)) {
        return Kind::Workflow;
    }
    let documents: Vec<_> = archive.files().iter().filter(|file| file.path.ends_with(".md")).collect();
    if documents.is_empty() || documents.len() < archive.files().len() {
        return Kind::Asset;
    }
    let is_agent = |path: &str| head(archive, path).is_some_and(|head| head.has("name") && head.has("description"));
    if documents.iter().any(|file| is_agent(&file.path)) { Kind::Agent } else { Kind::Command }
}

fn is_workflow(archive: &Archive, path: &str) -> bool {
    let value = archive.read(path).filter(|_| path.ends_with(".json")).map(serde_json::from_slice::<Value>);
    value.is_some_and(|value| value.is_ok_and(|value| value.get("nodes").is_some_and(Value::is_array)))
}

fn head(archive: &Archive, path: &str) -> Option<frontmatter::Frontmatter> {
    std::str::from_utf8(archive.read(path)?).ok().and_then(frontmatter::read)
}

/// A manifest of what the files themselves say.
fn manifest_of(path: &Path, kind: Kind, archive: Option<&Archive>) -> Value {
    let object = |name: &str| -> Option<Value> { serde_json::from_slice(at_root(archive?, name)?).ok() };
    let described = match kind {
        Kind::Plugin => object(".claude-plugin/plugin.json"),
        Kind::McpServer => object("server.json"),
        Kind::Skill => archive.and_then(|archive| {
            let text = std::str::from_utf8(at_root(archive, "SKILL.md")?).ok()?;
            let head = frontmatter::read(text)?;
            Some(json!({ "name": head.text("name"), "description": head.text("description"), "license": head.text("license") }))
        }),
        _ => None,
    }
    .unwrap_or_default();
    let said = |field: &str| described.get(field).and_then(Value::as_str).unwrap_or_default();
    let stem =
        path.canonicalize().ok().and_then(|path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    let stem = stem.unwrap_or_default();
    let name = said("name").rsplit('/').next().unwrap_or_default();
    let summary = naming::line(said("description"), 1_000);
    json!({
        "name": naming::plugin_name(&[name, &stem]),
        "version": naming::version(said("version")).unwrap_or(Version::new(1, 0, 0)),
        "kind": kind,
        "summary": if summary.is_empty() { naming::title(&stem) } else { summary },
        "license": described.get("license").and_then(Value::as_str).map_or(manifest::NO_LICENSE.to_owned(), |license| naming::license(Some(license))),
    })
}
