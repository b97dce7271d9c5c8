//! Claude Code marketplaces: a list of plugins, each in a folder of its own.

use std::path::{Component, Path, PathBuf};

use serde_json::{Map, Value, json};
use souk_domain::{
    listing::{Details, Kind},
    name::PluginName,
};
use souk_package::frontmatter;

use super::{
    catalogue::{Catalogue, Entry, Refused, Source, VendorInfo, VersionRule},
    files::{self, Problem},
    naming,
};

const LIST: &str = ".claude-plugin/marketplace.json";
const MANIFEST: &str = ".claude-plugin/plugin.json";
const LONGEST_DESCRIPTION: usize = 40_000;

/// Reads the marketplace in a folder, or the `marketplace.json` that is named itself.
///
/// # Errors
/// Why there is no marketplace to read; what is wrong with single plugins is in the catalogue.
pub fn read(path: &Path) -> Result<Catalogue, String> {
    let shown = path.display();
    let found = path.canonicalize().map_err(|error| format!("{shown}: {error}"))?;
    let (root, list) = if found.is_dir() {
        let list = found.join(LIST);
        if !list.is_file() {
            return Err(format!("{shown}: there is no {LIST} in this folder, so it is no Claude Code marketplace"));
        }
        (found, list)
    } else {
        (root_of(&found).ok_or_else(|| format!("{shown}: this file lies in no folder"))?, found)
    };
    let read = files::text(&list).and_then(|text| files::json(&text));
    let marketplace = read.map_err(|problem| format!("{}: {}", problem.place(LIST), problem.reason))?;
    let Some(plugins) = marketplace.get("plugins").and_then(Value::as_array) else {
        return Err(format!("{LIST}: there is no list of `plugins`"));
    };
    let owner = marketplace.pointer("/owner/name").and_then(Value::as_str).unwrap_or_default();
    let name = text(&marketplace, "name").unwrap_or("marketplace").to_owned();
    let mut catalogue = Catalogue { name, entries: Vec::new(), refused: Vec::new(), duplicates: Vec::new() };
    let home = Home {
        root,
        plugins: marketplace.pointer("/metadata/pluginRoot").and_then(Value::as_str).unwrap_or_default().to_owned(),
        owner: owner.to_owned(),
        catalogue: catalogue.name.clone(),
    };
    for (index, listed) in plugins.iter().enumerate() {
        let entry = home.entry(listed).and_then(|entry| match named(&catalogue.entries, &entry.name) {
            Some(other) => Err(problem(format!("`{}` has the same name and stands before it in the list", other.name))),
            None => Ok(entry),
        });
        match entry {
            Ok(entry) => catalogue.entries.push(entry),
            Err(refusal) => catalogue.refused.push(Refused {
                place: refusal.place.unwrap_or_else(|| format!("{LIST}: plugins[{index}]")),
                name: text(listed, "name").map(str::to_owned),
                reason: refusal.reason,
            }),
        }
    }
    Ok(catalogue)
}

/// The folder that sources are relative to, of a list that was named itself.
fn root_of(list: &Path) -> Option<PathBuf> {
    let folder = list.parent()?;
    let root = if folder.file_name()?.to_str() == Some(".claude-plugin") { folder.parent()? } else { folder };
    Some(root.to_owned())
}

fn named<'a>(entries: &'a [Entry], name: &str) -> Option<&'a Entry> {
    let key = PluginName::parse(name).ok()?.key();
    entries.iter().find(|entry| PluginName::parse(&entry.name).is_ok_and(|other| other.key() == key))
}

/// Why a plugin is refused.
struct Refusal {
    /// A better place than its index in the list.
    place: Option<String>,
    reason: String,
}

fn problem(reason: impl Into<String>) -> Refusal {
    Refusal { place: None, reason: reason.into() }
}

/// What the plugins of a marketplace have in common.
struct Home {
    root: PathBuf,
    plugins: String,
    owner: String,
    catalogue: String,
}

impl Home {
    fn entry(&self, listed: &Value) -> Result<Entry, Refusal> {
        let name = text(listed, "name").ok_or_else(|| problem("`name` is missing"))?;
        PluginName::parse(name).map_err(|invalid| problem(invalid.to_string()))?;
        let (folder, place) = self.folder(listed)?;
        let sources =
            files::under(&folder, &self.root).map_err(|reason| Refusal { place: Some(place.clone()), reason })?;
        if sources.is_empty() {
            return Err(Refusal { place: Some(place), reason: "the folder holds no file".into() });
        }
        let manifest = manifest(&folder).map_err(|wrong| Refusal {
            place: Some(wrong.place(&format!("{place}/{MANIFEST}"))),
            reason: wrong.reason,
        })?;
        let both = Both { manifest: &manifest, listed };
        let stated = both.manifest_first("version");
        let version = match stated {
            None => VersionRule::Counted,
            Some(stated) => VersionRule::Stated(
                naming::version(stated).ok_or_else(|| problem(format!("version `{stated}` is no semantic version")))?,
            ),
        };
        let author = both.author().unwrap_or(&self.owner);
        if author.trim().is_empty() {
            return Err(problem("neither the plugin nor the marketplace says who made it"));
        }
        let parts = parts(&sources);
        let details = details(name, &both, &parts, readme(&folder).as_deref())
            .checked()
            .map_err(|invalid| problem(invalid.to_string()))?;
        Ok(Entry {
            key: format!("claude/{}/{name}", self.catalogue),
            vendor: VendorInfo { name: naming::line(author, 100), slug: naming::vendor_slug(author) },
            name: name.to_owned(),
            details,
            version,
            origin: origin(&both, author, &self.catalogue, &place),
            files: sources,
            made: Vec::new(),
            place,
        })
    }

    /// The folder of a plugin and its path from the root.
    fn folder(&self, listed: &Value) -> Result<(PathBuf, String), Refusal> {
        let source = match listed.get("source") {
            Some(Value::String(source)) => source,
            Some(Value::Object(remote)) => {
                let field = |name: &str| remote.get(name).and_then(Value::as_str);
                let kind = field("source").unwrap_or("unknown kind");
                let address =
                    ["url", "repo", "package"].iter().find_map(|name| field(name)).unwrap_or("an unknown place");
                let reason = format!("its files are not in this catalogue but on another host ({kind}: {address})");
                return Err(problem(reason));
            }
            _ => return Err(problem("`source` is missing")),
        };
        let relative = match source.strip_prefix("./") {
            Some(relative) => relative.to_owned(),
            None => Path::new(self.plugins.trim_start_matches("./")).join(source).to_string_lossy().into_owned(),
        };
        let relative = relative.trim_end_matches('/');
        let stays =
            Path::new(relative).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        let folder = stays.then(|| self.root.join(relative).canonicalize().ok()).flatten();
        match folder {
            Some(folder) if folder.starts_with(&self.root) && folder.is_dir() => Ok((folder, relative.to_owned())),
            Some(_) => Err(problem(format!("`{source}` is no folder of this catalogue"))),
            None if stays => Err(problem(format!("`{source}` does not exist"))),
            None => Err(problem(format!("`{source}` leads out of the catalogue"))),
        }
    }
}

/// What `plugin.json` and the marketplace's list say of one plugin.
struct Both<'a> {
    manifest: &'a Value,
    listed: &'a Value,
}

impl Both<'_> {
    fn manifest_first(&self, field: &str) -> Option<&str> {
        text(self.manifest, field).or_else(|| text(self.listed, field))
    }

    fn listed_first(&self, field: &str) -> Option<&str> {
        text(self.listed, field).or_else(|| text(self.manifest, field))
    }

    fn author(&self) -> Option<&str> {
        [self.listed, self.manifest].iter().find_map(|from| match from.get("author")? {
            Value::String(name) => Some(name.as_str()),
            other => text(other, "name"),
        })
    }

    fn words(&self, field: &str) -> Vec<String> {
        let lists = [self.listed, self.manifest].into_iter().filter_map(|from| from.get(field)?.as_array());
        lists.flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }
}

fn details(name: &str, both: &Both<'_>, parts: &[Part], readme: Option<&str>) -> Details {
    let title = naming::title(name);
    let said = both.listed_first("description").map(|text| naming::line(text, 1_000));
    let summary = said.filter(|text| !text.is_empty()).unwrap_or_else(|| format!("{title}, a plugin for Claude Code."));
    let mut description = both.manifest_first("description").unwrap_or(&summary).trim().to_owned();
    if !parts.is_empty() {
        description.push_str("\n\n## What is inside\n\n");
        for part in parts {
            let about =
                part.about.as_deref().map(|about| format!(": {}", naming::line(about, 300))).unwrap_or_default();
            description.push_str(&format!("- {} `{}`{about}\n", part.kind, part.name));
        }
    }
    if let Some(readme) = readme {
        description.push_str("\n\n");
        description.push_str(readme);
    }
    let own_words = name.split(['-', '_', '.']).filter(|word| word.len() > 2 && *word != "and").map(str::to_owned);
    let category = naming::line(both.listed_first("category").unwrap_or("other"), 64).to_lowercase();
    Details {
        display_name: naming::line(both.listed_first("displayName").unwrap_or(&title), 200),
        kind: Kind::Plugin,
        summary,
        description: naming::body(&description, LONGEST_DESCRIPTION),
        category: if category.is_empty() { "other".into() } else { category },
        tags: naming::tags(both.words("keywords").into_iter().chain(both.words("tags")).chain(own_words)),
        license: naming::license(both.listed_first("license")),
        media: Vec::new(),
        complexity: None,
        setup_minutes: None,
        requirements: Vec::new(),
    }
}

/// What the manifest says beyond the details. The author's e-mail address is left out: it is personal, and events stay.
fn origin(both: &Both<'_>, author: &str, catalogue: &str, place: &str) -> Map<String, Value> {
    let mut origin = Map::new();
    for field in ["homepage", "repository"] {
        if let Some(address) = both.listed_first(field).filter(|address| is_address(address)) {
            origin.insert(field.to_owned(), json!(address));
        }
    }
    origin.insert("author".to_owned(), json!({ "name": naming::line(author, 200) }));
    origin.insert("source".to_owned(), json!({ "kind": "claude", "catalogue": catalogue, "path": place }));
    origin
}

fn is_address(text: &str) -> bool {
    (text.starts_with("https://") || text.starts_with("http://"))
        && !text.contains(char::is_whitespace)
        && text.len() <= 2_048
}

/// A component of a plugin, for its description.
struct Part {
    kind: &'static str,
    name: String,
    about: Option<String>,
}

fn parts(sources: &[Source]) -> Vec<Part> {
    sources
        .iter()
        .filter_map(|source| {
            let (folder, rest) = source.path.split_once('/')?;
            let (kind, name) = match (folder, rest.split_once('/')) {
                ("agents", None) => ("Agent", rest.strip_suffix(".md")?),
                ("commands", None) => ("Command", rest.strip_suffix(".md")?),
                ("skills", Some((name, "SKILL.md"))) => ("Skill", name),
                _ => return None,
            };
            let front = files::text(&source.from).ok().and_then(|text| frontmatter::read(&text));
            let about = front.and_then(|front| front.text("description").map(str::to_owned));
            Some(Part { kind, name: name.to_owned(), about })
        })
        .collect()
}

fn manifest(folder: &Path) -> Result<Value, Problem> {
    let path = folder.join(MANIFEST);
    if !path.is_file() {
        return Ok(Value::Null);
    }
    let value = files::text(&path).and_then(|text| files::json(&text))?;
    if value.is_object() {
        return Ok(value);
    }
    Err(Problem { at: Some((1, 1)), reason: "the file is no JSON object".to_owned() })
}

fn readme(folder: &Path) -> Option<String> {
    files::text(&folder.join("README.md")).ok()
}

fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}
