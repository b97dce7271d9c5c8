//! The step `static_analysis`: every file of an archive, line by line.

use std::{collections::BTreeMap, ops::Range};

use regex::Regex;
use souk_domain::validation::{Finding, Severity};
use souk_package::{archive::Archive, manifest::Manifest, shown};

use crate::{
    Unusable,
    automatic::{Automatic, Because, Finder},
    catalogue,
    commands::{COMMANDS, INSECURE_FETCH},
    component, found, json,
    mention::Mention,
    pattern::Patterns,
    secrets::{Secrets, is_looked_for},
    source::{Form, Source, Zone},
    unicode,
    words::{HIDDEN, WORDS},
};

/// Larger files are read up to here; people write none, and agents read none to the end.
const LARGEST: usize = 2 << 20;
/// As many findings of one rule as are told of a file.
const MOST_OF_A_RULE: usize = 10;
/// As many findings as are told of an archive, the worst ones.
const MOST: usize = 2_000;
/// Characters of a line that a finding repeats.
const SHOWN: usize = 120;
/// So many lines lie at most between reading credentials and sending something.
const NEARBY: usize = 15;

const CREDENTIALS: &str = concat!(
    r"(?i)(?:~|\$\{?HOME\}?|expanduser|homedir\(\)|Path\.home\(\)|/root|/Users/|/home/|USERPROFILE)[^\n]{0,60}",
    r"(?:\.ssh\b[^\n]{0,10}(?:id_[a-z0-9]+|_key)?|\.aws[^\n]{0,6}credentials|\.netrc|\.npmrc|\.pypirc|\.docker[^\n]{0,6}config\.json|\.kube[^\n]{0,6}config|\.config/gcloud|\.gnupg|\.git-credentials|Login Data|Cookies\b|Keychains|wallet\.dat)"
);
const ENVIRONMENT: &str = r"dict\(\s*os\.environ\s*\)|os\.environ\.(?:copy|items)\(\)|\{\s*\.\.\.process\.env\s*\}|Object\.(?:entries|assign)\([^)]*process\.env|\$\((?:env|printenv)\)|ENV\.to_h";
const SENDS: &str = concat!(
    r"(?i)\bcurl\b[^\n]*\s(?:-d|--data\S*|-F|--form|-T|-X\s*(?:POST|PUT))|\brequests\.(?:post|put|request)\(|\bhttpx\.(?:post|put)\(|\burlopen\(|\burllib\.request\.Request\([^\n]*data|\bfetch\([^\n]*(?:POST|,)|\baxios\b",
    r"|\bhttps?\.request\(|\bhttp\.client\b|\bsendBeacon\(|Invoke-(?:RestMethod|WebRequest)|\bsocket\.(?:connect|create_connection)|\.sendall\(|\bnc\s+\S+\s+\d+|Net::HTTP|http\.Post\("
);

/// Looks for what should not be in a package.
pub struct Inspector {
    words: Patterns,
    hidden: Patterns,
    commands: Patterns,
    mention: Mention,
    secrets: Secrets,
    finder: Finder,
    insecure: Regex,
    local: Regex,
    credentials: Regex,
    environment: Regex,
    sends: Regex,
    network: Regex,
    unpinned: Regex,
    allows_all: Regex,
}

impl Inspector {
    /// Compiles the tables of patterns; takes some milliseconds.
    ///
    /// # Errors
    /// Which pattern is none.
    pub fn new() -> Result<Self, Unusable> {
        let patterns = |table| Patterns::new(table).map_err(|error| Unusable(error.to_string()));
        let regex = |pattern: &str| Regex::new(pattern).map_err(|error| Unusable(error.to_string()));
        let of_regex = |error: regex::Error| Unusable(error.to_string());
        Ok(Self {
            words: patterns(WORDS)?,
            hidden: patterns(HIDDEN)?,
            commands: patterns(COMMANDS)?,
            mention: Mention::new().map_err(of_regex)?,
            secrets: Secrets::new().map_err(of_regex)?,
            finder: Finder::new().map_err(of_regex)?,
            insecure: regex(INSECURE_FETCH)?,
            local: regex(r"(?i)https?://(?:localhost|127\.|0\.0\.0\.0|\[::1\]|host\.docker\.internal|\$\{?\w+\}?|<)")?,
            credentials: regex(CREDENTIALS)?,
            environment: regex(ENVIRONMENT)?,
            sends: regex(SENDS)?,
            network: regex(r"(?i)\b(?:curl|wget|nc|ncat)\s|https?://|\bInvoke-(?:RestMethod|WebRequest)")?,
            unpinned: regex(
                r"\b(?:npx|bunx|uvx|pnpm\s+dlx|yarn\s+dlx|pipx\s+run)\s+(?:-\S+\s+)*((?:@[\w.-]+/)?[\w.-]+)(@[\w.^~-]+|==[\w.]+)?",
            )?,
            allows_all: regex(r"^(?:\*|Bash|Bash\(\*?\)|Bash\(\*:\*\)|bypassPermissions)$")?,
        })
    }

    /// What should not be in the files of `archive`; `manifest` says what its components may import.
    pub fn inspect(&self, archive: &Archive, manifest: Option<&Manifest>) -> Vec<Finding> {
        let automatic = self.finder.find(archive);
        let scripts = self.finder.scripts(archive, &automatic);
        let mut findings = Vec::new();
        for file in archive.files() {
            let path = file.path.as_str();
            let Some(bytes) = archive.read(path) else { continue };
            if component::is_meant_as_one(path, bytes) {
                let broken = component::broken(bytes, manifest);
                let entry = manifest.and_then(|manifest| manifest.entry.as_deref());
                let is_entry = entry.is_some_and(|entry| entry.trim_start_matches("./") == path);
                findings.extend(broken.into_iter().map(|(rule, detail)| {
                    // A component beside the entry may well be a part of it, and not made to be run.
                    let severity = (rule == "component.no_run" && !is_entry).then_some(Severity::Low);
                    found(rule, severity, path, None, &format!("({detail})"))
                }));
                continue;
            }
            let Some(text) = text(bytes) else {
                if is_program(bytes) {
                    findings.push(found("code.native_binary", None, path, None, ""));
                }
                continue;
            };
            findings.extend(self.file(path, text, scripts.contains(path)));
        }
        findings.extend(automatic.iter().flat_map(|command| self.automatic(command)));
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        findings.truncate(MOST);
        findings.sort_by(|a, b| (&a.place, a.line, &a.rule).cmp(&(&b.place, b.line, &b.rule)));
        findings.dedup_by(|a, b| (&a.rule, &a.place, a.line, &a.message) == (&b.rule, &b.place, b.line, &b.message));
        findings
    }

    /// What a code node of a workflow, or another text that is code within a file, should not do.
    pub(crate) fn code(&self, path: &str, line: u32, code: &str) -> Vec<Finding> {
        self.lines(&Source::part(path, line, code, Zone::Code))
    }

    fn file(&self, path: &str, text: &str, runs_by_itself: bool) -> Vec<Finding> {
        let mut source = Source::new(path, text);
        if runs_by_itself {
            source.make_automatic();
        }
        let mut findings = self.lines(&source);
        if source.form == Form::Json {
            for text in json::texts(text) {
                findings.extend(self.data(&source, &text));
            }
        }
        findings
    }

    fn lines(&self, source: &Source<'_>) -> Vec<Finding> {
        let about = self.mention.is_about(source);
        let mut told = BTreeMap::new();
        let mut findings = Vec::new();
        let mut tell = |finding: Finding| {
            // What weighs more is told however often it was mentioned before.
            let count = told.entry((finding.rule.clone(), finding.severity)).or_insert(0_usize);
            *count += 1;
            if *count <= MOST_OF_A_RULE {
                findings.push(finding);
            }
        };
        let secrets = is_looked_for(source);
        for (index, line) in source.lines.iter().enumerate() {
            for rule in unicode::broken(source, index) {
                let severity = source.fixture.then_some(Severity::Info);
                tell(found(rule, severity, source.path, Some(line.number), ""));
            }
            if let Some((rule, place)) = secrets.then(|| self.secrets.broken(source, index)).flatten() {
                tell(self.secret(source, index, rule, &place));
            }
            let joined = source.joined(index);
            for (rule, place) in self.broken(source, index, &joined) {
                let mention = self.mention.is_mention(source, index, &joined, &place);
                if let Some((rule, severity)) = self.weigh(source, line.zone, rule, mention, about) {
                    tell(found(rule, severity, source.path, Some(line.number), &detail(&joined, &place, mention)));
                }
            }
            if let Some(rule) = self.sent_nearby(source, index) {
                let place = 0..line.text.len();
                let mention = self.mention.is_mention(source, index, &line.text, &place);
                if let Some((rule, severity)) = self.weigh(source, line.zone, rule, mention, about) {
                    tell(found(rule, severity, source.path, Some(line.number), &detail(&line.text, &place, mention)));
                }
            }
        }
        findings
    }

    /// What the line at `index` breaks by its words.
    fn broken(&self, source: &Source<'_>, index: usize, joined: &str) -> Vec<(&'static str, Range<usize>)> {
        let Some(line) = source.lines.get(index) else { return Vec::new() };
        let within = line.text.len();
        let mut broken = self.commands.find(joined, within);
        if source.form != Form::Json {
            broken.extend(self.words.find(joined, within));
        }
        if line.zone == Zone::Hidden {
            broken.extend(self.hidden.find(joined, within));
        }
        for (rule, place) in &mut broken {
            let fetched = joined.get(place.clone()).unwrap_or_default();
            if *rule == "shell.pipe_remote" && self.insecure.is_match(fetched) && !self.local.is_match(fetched) {
                *rule = "shell.pipe_remote_insecure";
            }
        }
        broken
    }

    /// Credentials or the whole environment are read, and something is sent a few lines on.
    fn sent_nearby(&self, source: &Source<'_>, index: usize) -> Option<&'static str> {
        let line = source.lines.get(index)?;
        if !matches!(line.zone, Zone::Code | Zone::Automatic | Zone::Block) {
            return None;
        }
        let rule = if self.credentials.is_match(&line.text) {
            "exfiltration.credential_file"
        } else if self.environment.is_match(&line.text) && !line.text.contains("subprocess") {
            "exfiltration.environment"
        } else {
            return None;
        };
        let on = source
            .lines
            .iter()
            .skip(index)
            .take(NEARBY)
            .take_while(|next| next.zone == line.zone || next.zone == Zone::Comment);
        on.into_iter().any(|next| self.sends.is_match(&next.text)).then_some(rule)
    }

    /// A secret; where tests lie it is told without weight.
    fn secret(&self, source: &Source<'_>, index: usize, rule: &'static str, place: &Range<usize>) -> Finding {
        let line = source.lines.get(index);
        let text = line.map_or("", |line| line.text.as_ref());
        let secret = text.get(place.clone()).unwrap_or_default();
        // Reports are public: of a long token its beginning tells which it is, of a password it gives half away.
        let detail = match secret.chars().take(4).collect::<String>() {
            beginning if secret.len() >= 20 => format!("It begins with `{beginning}…`."),
            _ => String::new(),
        };
        let before = source.before(index, 2).to_ascii_lowercase();
        let example = ["example", "fake", "dummy", "placeholder", "sample", "not a real", "test key", "invalid"]
            .iter()
            .any(|word| before.contains(word) || text.to_ascii_lowercase().contains(word));
        let in_document = line.is_some_and(|line| matches!(line.zone, Zone::Block | Zone::Prose));
        let harmless = source.fixture || example && rule != "secrets.private_key";
        let severity = harmless.then_some(Severity::Info).or_else(|| {
            // A whole key is one, even when it is called an example; whether it opens anything, a human has to say.
            (example && rule == "secrets.private_key").then_some(Severity::High)
        });
        let severity = severity.or_else(|| {
            // Documents are full of made-up values; what only looks random there is a hint, a service's format is more.
            (in_document && rule != "secrets.private_key" && rule != "secrets.provider_token").then_some(Severity::Low)
        });
        found(rule, severity, source.path, line.map(|line| line.number), &detail)
    }

    /// As what, and how bad, a breach counts where it was found; none when it does not count there at all.
    fn weigh(
        &self,
        source: &Source<'_>,
        zone: Zone,
        rule: &'static str,
        mention: bool,
        about: bool,
    ) -> Option<(&'static str, Option<Severity>)> {
        if zone == Zone::Automatic {
            return Some((by_itself(rule), None));
        }
        if mention || source.fixture {
            return Some((rule, Some(Severity::Info)));
        }
        let usual = catalogue::rule(rule)?.severity;
        let is_words = rule.starts_with("injection.");
        let milder = match zone {
            Zone::Hidden | Zone::Automatic => false,
            Zone::Comment => return Some((rule, Some(Severity::Info))),
            Zone::Prose => about && rule != "injection.send_secrets",
            Zone::Block => is_words || about,
            Zone::Code => is_words,
            Zone::Data => true,
        };
        // A tunnel in a document shows where one's own server would be.
        if rule == "exfiltration.collector" && matches!(zone, Zone::Prose) {
            return Some((rule, Some(Severity::Info)));
        }
        Some((rule, milder.then(|| lower(usual))))
    }

    /// A text of a JSON file: descriptions are read by agents, and settings by clients.
    fn data(&self, source: &Source<'_>, text: &json::Text) -> Vec<Finding> {
        let mut findings = Vec::new();
        let is_permission = text.pointer.contains("/permissions/")
            && (text.pointer.contains("/allow/") || text.pointer.ends_with("/defaultMode"));
        if is_permission && self.allows_all.is_match(&text.value) {
            findings.push(found(
                "hooks.allows_everything",
                None,
                source.path,
                Some(text.line),
                &format!("It says `{}`.", shown(text.value.as_bytes())),
            ));
        }
        if text.value.len() < 20 {
            return findings;
        }
        let part = Source::part(source.path, text.line, &text.value, Zone::Data);
        for (index, line) in part.lines.iter().enumerate() {
            let joined = part.joined(index);
            for (rule, place) in self.words.find(&joined, line.text.len()) {
                let mention = source.fixture || self.mention.is_mention(&part, index, &joined, &place);
                let severity = mention.then_some(Severity::Info);
                findings.push(found(rule, severity, source.path, Some(text.line), &detail(&joined, &place, mention)));
            }
        }
        findings
    }

    fn automatic(&self, command: &Automatic) -> Vec<Finding> {
        let at = |rule, severity, detail: &str| found(rule, severity, &command.path, Some(command.line), detail);
        let shown = format!("It runs `{}`.", shortened(&command.command));
        let mut findings = Vec::new();
        if command.because != Because::Loaded {
            findings.push(at("hooks.declared", None, &shown));
        }
        let line = command.command.replace('\n', "; ");
        for (rule, place) in self.commands.find(&line, line.len()) {
            findings.push(at(by_itself(rule), None, &detail(&line, &place, false)));
        }
        if command.because == Because::Install {
            findings.push(at(
                "dependency.install_script",
                (!self.network.is_match(&line)).then_some(Severity::Low),
                &shown,
            ));
        }
        if matches!(command.because, Because::Hook | Because::Loaded)
            && self.network.is_match(&line)
            && !self.local.is_match(&line)
        {
            findings.push(at("hooks.network", None, &shown));
        }
        if let Some(package) = self.unpinned.captures(&line)
            && package.get(2).is_none_or(|version| version.as_str() == "@latest")
        {
            let rule = if command.because == Because::Server { "dependency.unpinned_start" } else { "hooks.unpinned" };
            findings.push(at(rule, None, &shown));
        }
        findings
    }
}

impl std::fmt::Debug for Inspector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inspector").finish_non_exhaustive()
    }
}

/// What a rule is called when it is broken by something that nobody asked to run.
fn by_itself(rule: &'static str) -> &'static str {
    match rule {
        "shell.pipe_remote" | "shell.pipe_remote_insecure" | "shell.decode_and_run" => "hooks.remote_code",
        "shell.reverse_shell" | "exfiltration.environment" | "exfiltration.credential_file" | "exfiltration.dns" => {
            "hooks.exfiltration"
        }
        "shell.destructive" => "hooks.destructive",
        "shell.persistence"
        | "shell.login_planted"
        | "shell.protection_off"
        | "shell.agent_tampering"
        | "injection.permission_bypass" => "hooks.tampering",
        other => other,
    }
}

const fn lower(severity: Severity) -> Severity {
    match severity {
        Severity::Critical => Severity::High,
        Severity::High => Severity::Medium,
        Severity::Medium => Severity::Low,
        Severity::Low | Severity::Info => Severity::Info,
    }
}

fn detail(text: &str, place: &Range<usize>, mention: bool) -> String {
    let words = shortened(text.get(place.clone()).unwrap_or_default().trim());
    if mention { format!("Here it seems only mentioned: `{words}`.") } else { format!("Found: `{words}`.") }
}

fn shortened(text: &str) -> String {
    let shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() { format!("{shown}…") } else { shown }
}

/// The file as text, as far as it is read; none when it is no text.
fn text(bytes: &[u8]) -> Option<&str> {
    let bytes = bytes.get(..LARGEST).unwrap_or(bytes);
    if bytes.contains(&0) {
        return None;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        // Cut in the middle of a character.
        Err(error) if error.error_len().is_none() => {
            bytes.get(..error.valid_up_to()).and_then(|bytes| std::str::from_utf8(bytes).ok())
        }
        Err(_) => None,
    }
}

/// Programs of Linux, Windows and macOS by their first bytes.
fn is_program(bytes: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 4] = [b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe"];
    BEGINNINGS.iter().any(|beginning| bytes.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use souk_package::{archive, pack::pack};

    use super::*;

    fn inspect(path: &str, text: &str) -> Vec<Finding> {
        let bytes = pack([(path.to_owned(), text.as_bytes().to_vec())]).unwrap();
        let archive = archive::inspect(&bytes, &archive::Limits::default()).unwrap();
        crate::inspector().unwrap().inspect(&archive, None)
    }

    #[test]
    fn no_finding_gives_a_password_away() {
        let found = inspect("a.py", "URL = 'postgres://app:vN7qZt2L@db1.acme-corp.io/x'\n");
        assert_eq!(found.len(), 1);
        assert!(!found[0].message.contains("vN7q"), "{}", found[0].message);
    }

    #[test]
    fn mentions_do_not_hide_what_is_done() {
        let text = format!("{}rm -rf ~/\n", "# rm -rf ~/\n".repeat(50));
        let found = inspect("a.sh", &text);
        assert_eq!(found.len(), MOST_OF_A_RULE + 1);
        assert!(found.iter().any(|finding| finding.severity == Severity::High && finding.line == Some(51)));
    }

    #[test]
    fn what_strangers_wrote_is_told_in_bounds() {
        let version = format!("http://{}", "x".repeat(100_000));
        let archive =
            pack([("package.json".to_owned(), format!("{{\"dependencies\":{{\"a\":\"{version}\"}}}}").into_bytes())]);
        let archive = archive::inspect(&archive.unwrap(), &archive::Limits::default()).unwrap();
        let known = crate::advisories::Advisories::built_in().unwrap();
        let found = crate::dependencies(&archive, &known).unwrap();
        assert!(found.iter().all(|finding| finding.message.len() < 1_000), "{}", found.len());
    }

    #[test]
    fn a_file_that_is_one_long_match_is_read_to_its_end() {
        let block = format!("```sh\n{}```\n", "rm -rf ~/\n".repeat(10_000));
        assert_eq!(inspect("SKILL.md", &block).len(), MOST_OF_A_RULE);
        let nested = "(".repeat(1 << 18);
        assert_eq!(inspect("a.py", &nested), []);
        let lines = "eval(\n".repeat(10_000);
        assert_eq!(inspect("a.js", &lines), []);
    }
}
