//! The plugins that Souk brings along, as a catalogue: they are published as anyone's are.

use serde_json::Value;
use souk_domain::listing::Details;
use souk_package::manifest;

use super::catalogue::{Catalogue, Entry, Made, Refused, VendorInfo, VersionRule};

/// A package that is part of this program: its name, and its files with their paths.
struct Package {
    name: &'static str,
    files: [(&'static str, &'static [u8]); 3],
}

const MANIFEST: &str = "souk.json";

static PACKAGES: [Package; 2] = [
    Package {
        name: "research",
        files: [
            (MANIFEST, include_bytes!("../../../../plugins/research/package/souk.json")),
            ("README.md", include_bytes!("../../../../plugins/research/package/README.md")),
            ("research.wasm", include_bytes!("../../../../plugins/research/package/research.wasm")),
        ],
    },
    Package {
        name: "creator",
        files: [
            (MANIFEST, include_bytes!("../../../../plugins/creator/package/souk.json")),
            ("README.md", include_bytes!("../../../../plugins/creator/package/README.md")),
            ("creator.wasm", include_bytes!("../../../../plugins/creator/package/creator.wasm")),
        ],
    },
];

/// The catalogue of these plugins. One that asks for hosts is refused where none is granted: it would not even load, and its version would be
/// judged by that for ever.
///
/// # Errors
/// A package of this program is broken; a test shows that none is.
pub fn read(hosts: &[String]) -> Result<Catalogue, String> {
    let mut catalogue =
        Catalogue { name: "builtin".to_owned(), entries: Vec::new(), refused: Vec::new(), duplicates: Vec::new() };
    for package in &PACKAGES {
        let (entry, asks_hosts) = entry(package).map_err(|problem| format!("builtin/{}: {problem}", package.name))?;
        if asks_hosts && hosts.is_empty() {
            catalogue.refused.push(Refused {
                place: entry.place,
                name: Some(entry.name),
                reason: "it asks hosts, and none is granted to plugins: set `sandbox.hosts`, and import again"
                    .to_owned(),
            });
        } else {
            catalogue.entries.push(entry);
        }
    }
    Ok(catalogue)
}

/// The entry of a package, and whether it asks hosts.
fn entry(package: &Package) -> Result<(Entry, bool), String> {
    let bytes = package.files.iter().find(|(path, _)| *path == MANIFEST).map(|(_, bytes)| *bytes).unwrap_or_default();
    let value: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let read = manifest::parse(&value)
        .map_err(|findings| findings.into_iter().map(|finding| finding.message).collect::<Vec<_>>().join("; "))?;
    let details = Details {
        display_name: read.display_name.unwrap_or_else(|| read.name.clone()),
        kind: read.kind,
        summary: read.summary.clone(),
        description: read.description.unwrap_or(read.summary),
        category: read.category.unwrap_or_else(|| "other".to_owned()),
        tags: read.tags,
        license: read.license,
        media: Vec::new(),
        complexity: None,
        setup_minutes: None,
        requirements: Vec::new(),
    };
    let stated = value.as_object().cloned().unwrap_or_default();
    let beyond = ["description", "author", "entry", "capabilities", "samples"];
    let made = package.files.iter().map(|(path, bytes)| Made { path: (*path).to_owned(), contents: bytes.to_vec() });
    let entry = Entry {
        key: format!("builtin/{}", package.name),
        place: format!("builtin/{}", package.name),
        vendor: VendorInfo { name: "Souk".to_owned(), slug: "souk".to_owned() },
        name: read.name,
        details: details.checked().map_err(|invalid| invalid.to_string())?,
        version: VersionRule::Stated(read.version),
        origin: stated.into_iter().filter(|(field, _)| beyond.contains(&field.as_str())).collect(),
        files: Vec::new(),
        made: made.collect(),
    };
    Ok((entry, read.capabilities.reaches_network()))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    fn plugins() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins")
    }

    #[test]
    fn what_is_published_is_what_the_packages_say() {
        let catalogue = read(&["docs.example".to_owned()]).unwrap();
        assert_eq!(catalogue.refused, []);
        for entry in &catalogue.entries {
            let folder = plugins().join(&entry.name).join("package");
            let stated: Value = serde_json::from_slice(&fs::read(folder.join(MANIFEST)).unwrap()).unwrap();
            let VersionRule::Stated(version) = &entry.version else { panic!("{} states no version", entry.name) };
            assert_eq!(entry.manifest(version), stated);
            let there: BTreeSet<_> =
                fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
            assert_eq!(entry.made.iter().map(|made| made.path.clone()).collect::<BTreeSet<_>>(), there);
        }
        assert_eq!(catalogue.entries.len(), 2);
    }

    #[test]
    fn what_asks_hosts_waits_until_some_are_granted() {
        let catalogue = read(&[]).unwrap();
        let names: Vec<_> = catalogue.entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["creator"]);
        assert_eq!(catalogue.refused[0].name.as_deref(), Some("research"));
        assert!(catalogue.refused[0].reason.contains("sandbox.hosts"));
    }

    /// Components cannot be built where tests run. `plugins/build.sh` writes down what it built of what; whoever changes a source has to run it.
    #[test]
    fn the_components_are_those_of_the_sources() {
        let folder = plugins();
        let text = fs::read_to_string(folder.join("built.txt")).unwrap();
        let listed: BTreeSet<_> = text.lines().map(|line| line.split_once("  ").unwrap()).collect();
        for (digest, path) in &listed {
            let bytes = fs::read(folder.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
            assert_eq!(souk_package::sha256(&bytes), *digest, "{path} is not what was built: run plugins/build.sh");
        }
        let there = crate::import::files::under(&folder, &folder).unwrap();
        for source in there.iter().map(|source| source.path.as_str()) {
            let is_source = [".rs", ".toml", ".lock", ".wasm", ".sh"].iter().any(|end| source.ends_with(end));
            let is_listed = listed.iter().any(|(_, path)| path.strip_prefix("./") == Some(source));
            assert!(!is_source || is_listed || source.starts_with("target/"), "{source} is not in plugins/built.txt");
        }
    }
}
