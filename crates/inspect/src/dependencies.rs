//! The step `dependencies`: what a package installs or starts, against what is known of packages.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use regex::Regex;
use serde_json::Value;
use souk_domain::validation::{Finding, Severity};
use souk_package::archive::Archive;

use crate::{
    advisories::{Advisories, Ecosystem},
    found, json,
};

/// A package that is used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Used {
    line: u32,
    ecosystem: Ecosystem,
    name: String,
    /// The one version that is used; none when it is left open.
    version: Option<String>,
    /// Whether a document only shows how to install it.
    shown: bool,
}

static INSTALLS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let pattern = concat!(
        r"\b(?P<npm>npm\s+(?:i|install|add)|yarn\s+add|pnpm\s+(?:add|i|install)|bun\s+add|npx|bunx|pnpm\s+dlx|yarn\s+dlx)\s+(?P<npms>[^\n|;&`#<>)]+)",
        r"|\b(?P<pypi>pip3?\s+install|uv\s+(?:pip\s+install|add|tool\s+install|tool\s+run)|uvx|pipx\s+(?:run|install)|poetry\s+add)\s+(?P<pypis>[^\n|;&`#)]+)",
        r"|\bcargo\s+(?:install|add)\s+(?P<cargos>[^\n|;&`#<>)]+)"
    );
    Regex::new(pattern).ok()
});

/// As many packages are looked at, each of its versions counted. Honest packages use some hundred; a list of a million is there to keep
/// whoever reads it busy.
const MOST_COMPARED: usize = 5_000;

/// What is known against the packages that `archive` uses; none when it uses none.
pub fn dependencies(archive: &Archive, known: &Advisories) -> Option<Vec<Finding>> {
    let mut findings = Vec::new();
    let (mut compared, mut first_left, mut left) = (BTreeSet::new(), None, 0_usize);
    for (path, text) in texts(archive) {
        // A package that a file names again is not news.
        let mut told = BTreeSet::new();
        for used in used(path, text, &mut findings) {
            let package = (used.ecosystem, used.name.clone(), used.version.clone());
            if compared.len() >= MOST_COMPARED && !compared.contains(&package) {
                first_left.get_or_insert((path, used.line));
                left += 1;
                continue;
            }
            if told.insert((package.clone(), used.shown)) {
                findings.extend(judge(path, &used, known));
            }
            compared.insert(package);
        }
    }
    if let Some((path, line)) = first_left {
        let detail = format!("{MOST_COMPARED} were looked at, and {left} entries from here on were not.");
        findings.push(found("dependency.too_many", None, path, Some(line), &detail));
    }
    (!compared.is_empty() || !findings.is_empty()).then_some(findings)
}

/// The packages that `archive` uses, with the versions that are named, if any are. What its documents only show is not among them.
pub fn packages(archive: &Archive) -> BTreeMap<(Ecosystem, String), BTreeSet<String>> {
    let mut packages: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (path, text) in texts(archive) {
        for used in used(path, text, &mut Vec::new()).into_iter().filter(|used| !used.shown) {
            packages.entry((used.ecosystem, used.name)).or_default().extend(used.version);
        }
    }
    packages
}

fn texts(archive: &Archive) -> impl Iterator<Item = (&str, &str)> {
    let text = |path| std::str::from_utf8(archive.read(path)?).ok();
    archive.files().iter().filter_map(move |file| Some((file.path.as_str(), text(&file.path)?)))
}

fn used(path: &str, text: &str, findings: &mut Vec<Finding>) -> BTreeSet<Used> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_requirements = name.starts_with("requirements") && (name.ends_with(".txt") || name.ends_with(".in"));
    let mut used = BTreeSet::new();
    match name {
        "package.json" => of_package_json(path, text, &mut used, findings),
        "server.json" => of_server_json(text, &mut used),
        "Cargo.toml" => of_cargo(text, &mut used),
        "pyproject.toml" => of_pyproject(text, &mut used),
        _ if is_requirements => of_requirements(path, text, &mut used, findings),
        _ if name.ends_with(".json") => of_settings(text, &mut used),
        _ => of_commands(path, text, &mut used, findings),
    }
    used
}

fn judge(path: &str, used: &Used, known: &Advisories) -> Option<Finding> {
    let at = |rule, severity, detail: String| Some(found(rule, severity, path, Some(used.line), &detail));
    let named = match &used.version {
        Some(version) => format!("`{}` {version}", used.name),
        None => format!("`{}`", used.name),
    };
    if let Some(advisory) = known.against(used.ecosystem, &used.name, used.version.as_deref()) {
        let rule = if advisory.malicious { "dependency.malicious" } else { "dependency.vulnerable" };
        let milder = if advisory.malicious { Severity::High } else { Severity::Low };
        return at(rule, used.shown.then_some(milder), format!("It is {named}; see {}.", advisory.id));
    }
    if let Some(of) = known.imitates(used.ecosystem, &used.name) {
        return at("dependency.typosquat", used.shown.then_some(Severity::High), format!("{named} imitates `{of}`."));
    }
    let of = known.resembles(used.ecosystem, &used.name)?;
    at("dependency.look_alike", used.shown.then_some(Severity::Low), format!("{named} is nearly `{of}`."))
}

fn of_package_json(path: &str, text: &str, used: &mut BTreeSet<Used>, findings: &mut Vec<Finding>) {
    if serde_json::from_str::<Value>(text).is_err() {
        findings.push(found("dependency.unreadable", None, path, None, ""));
        return;
    }
    let lists = ["/dependencies/", "/devDependencies/", "/optionalDependencies/", "/peerDependencies/"];
    for text in json::texts(text) {
        let Some(name) = lists.iter().find_map(|list| text.pointer.strip_prefix(list)) else { continue };
        if text.value.starts_with("http://") || text.value.starts_with("git+http://") {
            let detail = format!("`{name}` comes from `{}`.", text.value);
            findings.push(found("dependency.foreign_source", None, path, Some(text.line), &detail));
        }
        used.insert(Used {
            line: text.line,
            ecosystem: Ecosystem::Npm,
            name: name.to_owned(),
            version: exact(&text.value),
            shown: false,
        });
    }
}

fn of_server_json(text: &str, used: &mut BTreeSet<Used>) {
    let Ok(value) = serde_json::from_str::<Value>(text) else { return };
    let texts = json::texts(text);
    let mut named: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for text in &texts {
        let index =
            text.pointer.strip_prefix("/packages/").and_then(|rest| rest.split('/').next()?.parse::<usize>().ok());
        named.entry(index).or_default().push(text);
    }
    for (index, package) in value.get("packages").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let field = |names: [&str; 2]| names.iter().find_map(|name| package.get(name)).and_then(Value::as_str);
        let ecosystem = match field(["registryType", "registry_name"]) {
            Some("npm") => Ecosystem::Npm,
            Some("pypi") => Ecosystem::Pypi,
            Some("cargo") => Ecosystem::Cargo,
            _ => continue,
        };
        let Some(name) = field(["identifier", "name"]) else { continue };
        let texts = named.get(&Some(index)).map(Vec::as_slice).unwrap_or_default();
        let line = texts.iter().find(|text| text.value == name).map_or(1, |text| text.line);
        let version = field(["version", "version"]).and_then(exact);
        used.insert(Used { line, ecosystem, name: name.to_owned(), version, shown: false });
    }
}

/// Commands with their arguments in the settings of clients.
fn of_settings(text: &str, used: &mut BTreeSet<Used>) {
    let Ok(value) = serde_json::from_str::<Value>(text) else { return };
    for text in json::texts(text).into_iter().filter(|text| text.pointer.ends_with("/command")) {
        let parent = text.pointer.strip_suffix("/command").unwrap_or_default();
        let arguments = value.pointer(&format!("{parent}/args")).and_then(Value::as_array);
        let arguments = arguments.into_iter().flatten().filter_map(Value::as_str);
        let command = std::iter::once(text.value.as_str()).chain(arguments).collect::<Vec<_>>().join(" ");
        installed(&command, text.line, false, used);
    }
}

fn of_cargo(text: &str, used: &mut BTreeSet<Used>) {
    let mut section = String::new();
    for (line, text) in numbered(text) {
        if let Some(name) = text.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            section = name.trim_matches('[').to_owned();
            if let Some((list, name)) = section.rsplit_once('.')
                && list.ends_with("dependencies")
            {
                let name = name.to_owned();
                used.insert(Used { line, ecosystem: Ecosystem::Cargo, name, version: None, shown: false });
            }
        } else if section.ends_with("dependencies")
            && let Some((name, value)) = text.split_once('=')
        {
            let version = value.split('"').nth(1).and_then(exact);
            let name = name.trim().split('.').next().unwrap_or_default().to_owned();
            used.insert(Used { line, ecosystem: Ecosystem::Cargo, name, version, shown: false });
        }
    }
}

fn of_pyproject(text: &str, used: &mut BTreeSet<Used>) {
    let (mut section, mut in_list) = (String::new(), false);
    for (line, text) in numbered(text) {
        if let Some(name) = text.strip_prefix('[').and_then(|rest| rest.split(']').next())
            && !in_list
        {
            section = name.to_owned();
            continue;
        }
        let is_poetry = section.starts_with("tool.poetry") && section.ends_with("dependencies");
        let (key, value) = text.split_once('=').unwrap_or(("", text));
        if is_poetry && !key.is_empty() && key.trim() != "python" {
            let version = value.split('"').nth(1).and_then(exact);
            used.insert(Used { line, ecosystem: Ecosystem::Pypi, name: key.trim().to_owned(), version, shown: false });
            continue;
        }
        let begins = key.trim() == "dependencies" && section == "project"
            || section == "project.optional-dependencies" && value.trim_start().starts_with('[')
            || section == "build-system" && key.trim() == "requires";
        if begins || in_list {
            let list = if begins { value } else { text };
            for item in list.split(['"', '\'']).skip(1).step_by(2) {
                used.extend(requirement(item, line));
            }
            in_list = !list.trim_end().trim_end_matches(',').ends_with(']');
        }
    }
}

fn of_requirements(path: &str, text: &str, used: &mut BTreeSet<Used>, findings: &mut Vec<Finding>) {
    for (line, text) in numbered(text) {
        let foreign = text.starts_with("--extra-index-url")
            || ["--index-url", "-i ", "--find-links"].iter().any(|flag| text.starts_with(flag))
                && text.contains("http://")
            || text.contains("@ http://")
            || text.starts_with("git+http://");
        if foreign {
            findings.push(found("dependency.foreign_source", None, path, Some(line), &format!("It says `{text}`.")));
        } else if !text.starts_with('-') {
            used.extend(requirement(text, line));
        }
    }
}

/// Commands in scripts and documents that install or start packages.
fn of_commands(path: &str, text: &str, used: &mut BTreeSet<Used>, findings: &mut Vec<Finding>) {
    let shown = path.ends_with(".md");
    for (line, text) in numbered(text) {
        installed(text, line, shown, used);
        let foreign = text.contains("--extra-index-url") && text.contains("http")
            || (text.contains("--index-url") || text.contains("--registry")) && text.contains("http://");
        if foreign && text.contains("install") {
            let severity = shown.then_some(Severity::Low);
            findings.push(found("dependency.foreign_source", severity, path, Some(line), ""));
        }
    }
}

fn installed(command: &str, line: u32, shown: bool, used: &mut BTreeSet<Used>) {
    if !["install", "npx", "uvx", " add ", "bunx", "dlx", "pipx", "npm i "].iter().any(|word| command.contains(word)) {
        return;
    }
    let Some(pattern) = INSTALLS.as_ref() else { return };
    for found in pattern.captures_iter(command) {
        let (ecosystem, names) = match (found.name("npms"), found.name("pypis"), found.name("cargos")) {
            (Some(names), _, _) => (Ecosystem::Npm, names),
            (_, Some(names), _) => (Ecosystem::Pypi, names),
            (_, _, Some(names)) => (Ecosystem::Cargo, names),
            _ => continue,
        };
        let runs_one = found
            .name("npm")
            .or(found.name("pypi"))
            .is_some_and(|tool| ["npx", "bunx", "dlx", "uvx", "run"].iter().any(|word| tool.as_str().ends_with(word)));
        let words = names.as_str().split_whitespace().map(|word| word.trim_matches(['"', '\'', ',', '.', '*']));
        let packages =
            words.filter(|word| !word.starts_with('-') && !word.contains(['$', '{', '/']) || word.starts_with('@'));
        for word in packages.take(if runs_one { 1 } else { 20 }) {
            let read = match ecosystem {
                Ecosystem::Pypi => requirement(word, line),
                Ecosystem::Npm | Ecosystem::Cargo => at_version(word, ecosystem, line),
            };
            used.extend(read.map(|read| Used { shown, ..read }));
        }
    }
}

/// `name@version`, where a name can begin with `@`.
fn at_version(word: &str, ecosystem: Ecosystem, line: u32) -> Option<Used> {
    let scope = usize::from(word.starts_with('@'));
    let (name, version) = match word.get(scope..)?.split_once('@') {
        Some((name, version)) => (word.get(..scope + name.len())?, exact(version)),
        None => (word, None),
    };
    let is_name = name.starts_with(|c: char| c == '@' || c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '@' | '/' | '-' | '_' | '.'));
    is_name.then(|| Used { line, ecosystem, name: name.to_owned(), version, shown: false })
}

/// A requirement of Python's packages (PEP 508), as far as it is needed: name, and version when there is one.
fn requirement(text: &str, line: u32) -> Option<Used> {
    let text = text.split([';', '#']).next()?.trim();
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let version = rest.split("==").nth(1).and_then(|version| exact(version.split(',').next()?));
    name.starts_with(|c: char| c.is_ascii_alphanumeric()).then(|| Used {
        line,
        ecosystem: Ecosystem::Pypi,
        name: name.to_owned(),
        version,
        shown: false,
    })
}

/// A version that is one and no range.
fn exact(version: &str) -> Option<String> {
    let version = version.trim().trim_start_matches(['=', 'v']).trim();
    let is_one = version.starts_with(|c: char| c.is_ascii_digit()) && !version.contains(['x', '*', ' ', '|', '<', '>']);
    is_one.then(|| version.to_owned())
}

fn numbered(text: &str) -> impl Iterator<Item = (u32, &str)> {
    let numbered =
        text.lines().enumerate().map(|(index, line)| (u32::try_from(index + 1).unwrap_or(u32::MAX), line.trim()));
    numbered.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use souk_package::{
        archive::{Limits, inspect},
        pack::pack,
    };

    use super::*;

    fn rules(path: &str, text: &str) -> Vec<(String, u32)> {
        let bytes = pack([(path.to_owned(), text.as_bytes().to_vec())]).unwrap();
        let archive = inspect(&bytes, &Limits::default()).unwrap();
        let findings = dependencies(&archive, &Advisories::built_in().unwrap()).unwrap_or_default();
        findings.into_iter().map(|finding| (finding.rule, finding.line.unwrap_or_default())).collect()
    }

    fn one(rule: &str, line: u32) -> Vec<(String, u32)> {
        vec![(rule.to_owned(), line)]
    }

    #[test]
    fn every_list_of_dependencies_is_read() {
        let malicious = |path: &str, text: &str| rules(path, text);
        let package = "{\n\"dependencies\": {\n\"event-stream\": \"3.3.6\", \"@x/y\": \"^1\"}}";
        assert_eq!(malicious("package.json", package), one("dependency.malicious", 3));
        assert_eq!(rules("package.json", "{"), one("dependency.unreadable", 0));
        assert_eq!(rules("requirements.txt", "# x\nrequests==2.30.0\n"), one("dependency.vulnerable", 2));
        assert_eq!(
            rules("requirements.txt", "--extra-index-url http://a.example/simple\n"),
            one("dependency.foreign_source", 1)
        );
        let project = "[project]\nname = \"x\"\ndependencies = [\n  \"numpy>=1\",\n  \"colourama\",\n]\n";
        assert_eq!(rules("pyproject.toml", project), one("dependency.typosquat", 5));
        assert_eq!(
            rules("pyproject.toml", "[tool.poetry.dependencies]\npython = \"^3\"\nreqests = \"^2\"\n"),
            one("dependency.look_alike", 3)
        );
        assert_eq!(
            rules("Cargo.toml", "[dependencies]\nserde = \"1\"\nrustdecimal = { version = \"1\" }\n"),
            one("dependency.malicious", 3)
        );
        let server =
            "{\"packages\": [\n{\"registryType\": \"npm\",\n\"identifier\": \"mcp-remote\", \"version\": \"0.1.15\"}]}";
        assert_eq!(rules("server.json", server), one("dependency.vulnerable", 3));
        let settings =
            "{\"mcpServers\": {\"a\": {\n\"command\": \"npx\", \"args\": [\"-y\", \"postmark-mcp@1.0.16\"]}}}";
        assert_eq!(rules(".mcp.json", settings), one("dependency.malicious", 2));
        assert_eq!(rules("setup.sh", "set -e\npip install requests diango\n"), one("dependency.typosquat", 2));
    }

    #[test]
    fn packages_are_told_with_the_versions_they_name() {
        let files = [
            ("package.json", r#"{"dependencies": {"express": "4.18.2", "lodash": "^4"}}"#),
            ("README.md", "Run `npm install left-pad`."),
            ("setup.sh", "pip install requests==2.32.0 requests\n"),
        ];
        let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()));
        let archive = inspect(&pack(files).unwrap(), &Limits::default()).unwrap();
        let told: Vec<_> = packages(&archive).into_iter().map(|((_, name), versions)| (name, versions)).collect();
        let versions = |versions: &[&str]| versions.iter().map(|&version| version.to_owned()).collect::<BTreeSet<_>>();
        let expected =
            [("express", versions(&["4.18.2"])), ("lodash", versions(&[])), ("requests", versions(&["2.32.0"]))];
        assert_eq!(told, expected.map(|(name, versions)| (name.to_owned(), versions)));
    }

    #[test]
    fn of_a_list_without_end_the_beginning_is_looked_at_and_the_rest_is_told() {
        let list = |names: usize, more: &str| {
            let names = (0..names).map(|number| format!("name-{number}\n")).collect::<String>();
            format!("{names}{more}")
        };
        let fits = list(MOST_COMPARED - 1, "diango\n");
        assert_eq!(rules("requirements.txt", &fits), one("dependency.typosquat", 5_000));
        let again = list(MOST_COMPARED - 1, "diango\nname-7\ndiango\n");
        assert_eq!(
            rules("requirements.txt", &again),
            one("dependency.typosquat", 5_000),
            "the same once more is no more"
        );
        let exceeds = list(200_000, "diango\n");
        assert_eq!(rules("requirements.txt", &exceeds), one("dependency.too_many", 5_001));
        let names = (0..200_000).map(|number| format!("\"name-{number}\": \"1\"")).collect::<Vec<_>>().join(",\n");
        let package = format!("{{\"dependencies\": {{\n{names}}}}}");
        assert_eq!(rules("package.json", &package).first().map(|(rule, _)| rule.as_str()), Some("dependency.too_many"));
    }

    #[test]
    fn ranges_and_well_known_names_are_fine() {
        let package =
            r#"{"dependencies": {"lodash": "^4.17.0", "express": "*", "preact": "10.0.0", "chalk": "5.3.0"}}"#;
        assert_eq!(rules("package.json", package), []);
        assert_eq!(rules("README.md", "Run `npm install express` or `uvx ruff`, then npx playwright test.\n"), []);
        assert_eq!(rules("requirements.txt", "requests>=2.20\nflask[async]==3.0.0 ; python_version > '3'\n"), []);
    }
}
