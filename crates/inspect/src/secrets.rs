//! Secrets: formats of known services, and random texts under telling names.

use std::ops::Range;

use regex::{Regex, RegexSet};

use crate::source::{Form, Source};

/// Bits of information per character from which on a text of a secret's length counts as random.
const RANDOM: f64 = 3.4;

/// Tokens whose beginning tells the service.
const TOKENS: [&str; 21] = [
    r"\b(?:AKIA|ASIA|ABIA)[A-Z0-9]{16}\b",
    r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b",
    r"\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}\b",
    r"\bglpat-[A-Za-z0-9_-]{20,}",
    r"\bxox[abprs]-[0-9A-Za-z-]{20,}",
    r"\b(?:sk|rk)_live_[A-Za-z0-9]{20,}",
    r"\bsk-ant-(?:api|admin)\d\d-[A-Za-z0-9_-]{40,}",
    r"\bsk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{40,}",
    r"\bsk-[A-Za-z0-9]{48}\b",
    r"\bAIza[A-Za-z0-9_-]{35}\b",
    r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}",
    r"\bnpm_[A-Za-z0-9]{36}\b",
    r"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}",
    r"\bhf_[A-Za-z0-9]{34,}\b",
    r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b",
    r"\bdop_v1_[a-f0-9]{64}\b",
    r"\bshpat_[a-fA-F0-9]{32}\b",
    r"\bsq0(?:atp|csp)-[A-Za-z0-9_-]{22,}",
    r"\bkey-[a-f0-9]{32}\b",
    r"\bpat[A-Za-z0-9]{14}\.[a-f0-9]{64}\b",
    r"\bsouk_(?:key|rt)_[A-Za-z0-9_-]{43}",
];

const ASSIGNED: &str = concat!(
    r"(?i)(?:^|[^a-z0-9])(?:[a-z0-9]+[_-])*(?:api[_-]?key|apikey|secret(?:[_-]?key)?|access[_-]?(?:key|token)|auth[_-]?token|client[_-]?secret|private[_-]?key|bearer|password|passwd|token)",
    r"[\x22'\\]*\s*(?::|=|=>|:=)\s*(?:[\x22'`]|\\\x22)?(?:bearer\s+)?([A-Za-z0-9+/_.=~-]{16,})"
);
const BEARER: &str = r"(?i)\b(?:bearer|token|basic|apikey)\s+([A-Za-z0-9+/_.=~-]{24,})";
const ADDRESS: &str = r"\b(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|redis(?:s)?|amqps?|https?|ftps?|smtps?)://([^\s:/@\x22'`]{1,64}):([^\s:/@\x22'`]{4,128})@([A-Za-z0-9.-]+)";
const JWT: &str = r"\beyJ[A-Za-z0-9_-]{15,}\.eyJ[A-Za-z0-9_-]{15,}\.([A-Za-z0-9_-]{30,})";
/// What `souk keygen` writes.
const SIGNING: &str = r"\bsouk-ed25519-secret:[A-Za-z0-9+/]{43}=";
const BEGIN: &str = r"-----BEGIN ((?:[A-Z]+ )*)PRIVATE KEY(?: BLOCK)?-----";

/// What stands where a secret would be.
const PLACEHOLDER: &str = concat!(
    r"(?i)example|sample|dummy|placeholder|changeme|change[_-]me|your|xxx|\.\.\.|redacted|fake|test|todo|insert|replace|secret[_-]?(?:key|here|value)|my[_-]|abcdef|abc123|123456|0000|1111|<|\{\{|\$\{|\*\*\*|foobar|deadbeef|",
    r"process\.env|os\.environ|env\.|getenv|config|settings|credentials?|params|request|response|self\.|this\.|value|token[_-]|key[_-]|string|none|null|true|false|undefined|localhost|password|user|default|demo|mock|lorem|qwerty"
);

pub(crate) struct Secrets {
    tokens: RegexSet,
    token: Vec<Regex>,
    assigned: Regex,
    bearer: Regex,
    address: Regex,
    jwt: Regex,
    signing: Regex,
    begin: Regex,
    placeholder: Regex,
}

impl Secrets {
    pub fn new() -> Result<Self, regex::Error> {
        Ok(Self {
            tokens: RegexSet::new(TOKENS)?,
            token: TOKENS.iter().map(|pattern| Regex::new(pattern)).collect::<Result<_, _>>()?,
            assigned: Regex::new(ASSIGNED)?,
            bearer: Regex::new(BEARER)?,
            address: Regex::new(ADDRESS)?,
            jwt: Regex::new(JWT)?,
            signing: Regex::new(SIGNING)?,
            begin: Regex::new(BEGIN)?,
            placeholder: Regex::new(PLACEHOLDER)?,
        })
    }

    /// The rule that the line at `index` breaks by a secret, and where it is.
    pub fn broken(&self, source: &Source<'_>, index: usize) -> Option<(&'static str, Range<usize>)> {
        let line = source.lines.get(index)?.text.as_ref();
        if line.len() < 16 {
            return None;
        }
        if let Some(begin) = self.begin.find(line)
            && self.has_key(source, index, line.get(begin.end()..).unwrap_or_default())
        {
            return Some(("secrets.private_key", begin.range()));
        }
        if let Some(key) = self.signing.find(line).filter(|key| !self.placeholder_run(key.as_str())) {
            return Some(("secrets.private_key", key.range()));
        }
        let mut tokens = self.tokens.matches(line).into_iter().filter_map(|index| self.token.get(index));
        if let Some(token) =
            tokens.find_map(|token| token.find_iter(line).find(|found| !self.is_made_up(found.as_str())))
        {
            return Some(("secrets.provider_token", token.range()));
        }
        if let Some(jwt) = self.jwt.captures(line)
            && let Some(signature) = jwt.get(1)
            && !is_well_known_jwt(line)
            && self.is_random(signature.as_str())
        {
            return Some(("secrets.signed_token", signature.range()));
        }
        if let Some(found) = self.address.captures(line)
            && let (Some(user), Some(password), Some(host)) = (found.get(1), found.get(2), found.get(3))
            && !self.is_dummy(user.as_str(), password.as_str(), host.as_str())
        {
            return Some(("secrets.connection_string", password.range()));
        }
        if is_of_digests(source.path) {
            return None;
        }
        let named = [&self.assigned, &self.bearer];
        let value = named.into_iter().find_map(|pattern| {
            pattern.captures_iter(line).filter_map(|found| found.get(1)).find(|value| self.is_secret(value.as_str()))
        })?;
        Some(("secrets.assigned", value.range()))
    }

    /// Whether a key follows its header: lines of base64, as many as the shortest keys have.
    fn has_key(&self, source: &Source<'_>, index: usize, rest: &str) -> bool {
        let is_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
        let inline = rest.replace("\\n", "").replace("\\r", "");
        let mut body: String = inline.chars().take_while(|c| is_base64(*c)).collect();
        if rest.trim_matches(['"', '\'', '`', ' ', ',', ';']).is_empty() {
            let lines = source.lines.iter().skip(index + 1).take(80);
            let lines =
                lines.map(|line| line.text.trim_matches(['"', '\'', '`', '+', ' ', ',', '\t']).trim_end_matches("\\n"));
            let key = lines
                .skip_while(|line| line.is_empty() || line.contains(": "))
                .take_while(|line| !line.starts_with("-----"));
            for line in key {
                if line.is_empty() || !line.chars().all(is_base64) {
                    break;
                }
                body.push_str(line);
            }
        }
        body.len() >= 60 && entropy(&body) > 4.0 && !self.placeholder_run(&body)
    }

    fn placeholder_run(&self, text: &str) -> bool {
        let lower = text.to_ascii_lowercase();
        ["example", "xxxx", "aaaaaaaaaa", "yourkey", "redacted"].iter().any(|word| lower.contains(word))
    }

    /// Whether a token in the right format is one that somebody typed.
    fn is_made_up(&self, token: &str) -> bool {
        let body = token.trim_start_matches(|c: char| c.is_ascii_alphabetic()).trim_start_matches(['_', '-', '.']);
        let body = if body.len() < 12 { token } else { body };
        self.placeholder_run(token)
            || entropy(body) < 3.0
            || has_sequence(body)
            || ["your", "fake", "test", "dummy", "sample", "placeholder", "abcdef", "123456"]
                .iter()
                .any(|word| token.to_ascii_lowercase().contains(word))
    }

    fn is_secret(&self, value: &str) -> bool {
        let value = value.trim_end_matches(['.', '=', ',']);
        value.len() >= 20
            && value.len() <= 512
            && !self.placeholder.is_match(value)
            && self.is_random(value)
            && is_mixed(value)
            && !is_of_words(value)
    }

    fn is_random(&self, value: &str) -> bool {
        entropy(value) >= RANDOM && !has_sequence(value)
    }

    fn is_dummy(&self, user: &str, password: &str, host: &str) -> bool {
        let local = [
            "localhost",
            "127.0.0.1",
            "0.0.0.0",
            "db",
            "postgres",
            "redis",
            "mysql",
            "mongo",
            "host",
            "rabbitmq",
            "database",
        ];
        let known = [
            "pass", "pwd", "secret", "guest", "admin", "root", "changeme", "postgres", "dev", "token", "hunter2",
            "s3cret",
        ];
        local.contains(&host)
            || !host.contains('.')
            || host.ends_with(".local")
            || host.ends_with(".internal") && entropy(password) < 3.0
            || known.iter().any(|word| password.to_ascii_lowercase().contains(word))
            || user == password
            || self.placeholder.is_match(password)
            || password.starts_with(['<', '$', '{', '%', '['])
            || entropy(password) < 2.5
    }
}

/// Files whose random texts are digests.
fn is_of_digests(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    [
        "package-lock.json",
        "yarn.lock",
        "pnpm-lock.yaml",
        "Cargo.lock",
        "poetry.lock",
        "uv.lock",
        "Pipfile.lock",
        "go.sum",
        "composer.lock",
    ]
    .contains(&name)
        || name.ends_with(".sum")
}

/// The token that every tutorial shows, and those of a public client, which are meant to be known.
fn is_well_known_jwt(line: &str) -> bool {
    // {"sub":"1234567890" and "role":"anon" in the three ways that base64 can spell them.
    ["eyJzdWIiOiIxMjM0NTY3ODkw", "InJvbGUiOiJhbm9u", "JvbGUiOiJhbm9uI", "yb2xlIjoiYW5vbi"]
        .iter()
        .any(|part| line.contains(part))
}

/// Letters and digits, as keys have; words and numbers alone are none.
fn is_mixed(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    digits >= 3 && letters >= 5
}

/// Whether a text is made of words, as paths, slugs and names of models are.
fn is_of_words(value: &str) -> bool {
    let parts: Vec<_> = value.split(['-', '_', '.', '/']).filter(|part| !part.is_empty()).collect();
    let hex = |part: &&str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_uuid = parts.len() == 5 && parts.iter().all(hex) && value.len() == 36;
    let words =
        parts.iter().filter(|part| part.len() >= 3 && part.bytes().all(|byte| byte.is_ascii_lowercase())).count();
    is_uuid || words >= 2 && words * 3 >= parts.len()
}

/// Eight characters that count up or repeat, which random texts never do.
fn has_sequence(value: &str) -> bool {
    let bytes: Vec<u8> = value.bytes().map(|byte| byte.to_ascii_lowercase()).collect();
    bytes.windows(6).any(|six| {
        let steps =
            |step: i16| six.windows(2).all(|pair| matches!(pair, [a, b] if i16::from(*b) - i16::from(*a) == step));
        steps(1) || steps(0) || steps(-1)
    })
}

/// Bits per character, by the frequencies of the text's own bytes (Shannon).
fn entropy(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let total = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX).max(1));
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / total)
        .map(|share| -share * share.log2())
        .sum()
}

/// Whether secrets are looked for in a file at all: not where bytes are encoded by the page.
pub(crate) fn is_looked_for(source: &Source<'_>) -> bool {
    source.form != Form::Other || !source.path.ends_with(".svg")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(line: &str) -> Option<&'static str> {
        Secrets::new().unwrap().broken(&Source::new("a.py", line), 0).map(|(rule, _)| rule)
    }

    #[test]
    fn entropy_is_that_of_shannon() {
        assert!((entropy("aaaa") - 0.0).abs() < 1e-9);
        assert!((entropy("abcd") - 2.0).abs() < 1e-9);
    }

    // Tokens are put together here, so that no scanner of others takes this file for a leak.
    #[test]
    fn secrets_are_found() {
        let body = "q7Rz2LmX9vKt4WbN8yHc3DfG6pJs5TaE1uZo";
        for (line, expected) in [
            (format!("x = 'ghp_{body}'"), "secrets.provider_token"),
            (format!("AKIA{}", "Q4ZRT2LMX6VKT4WB"), "secrets.provider_token"),
            (format!("api_key = \"{}\"", &body[..28]), "secrets.assigned"),
            (format!("curl -H 'Authorization: Bearer {body}'"), "secrets.assigned"),
            (format!("postgres://app:{}@db.acme.io/x", &body[..12]), "secrets.connection_string"),
        ] {
            assert_eq!(rule(&line), Some(expected), "{line}");
        }
    }

    #[test]
    fn placeholders_and_names_are_not() {
        for line in [
            "aws_access_key_id = AKIAIOSFODNN7EXAMPLE",
            "OPENAI_API_KEY=sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "api_key = os.environ['ACME_PRODUCTION_KEY']",
            "token: ${{ secrets.GITHUB_TOKEN }}",
            "postgres://user:password@localhost:5432/db",
            "secret_key = \"your-secret-key-goes-here-1234\"",
            "model_token = \"gpt-4-turbo-preview-2024-04-09\"",
            "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
            "request_token = 3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        ] {
            assert_eq!(rule(line), None, "{line}");
        }
    }
}
