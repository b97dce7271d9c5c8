//! What a package asks to be allowed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::{Map, Value};

/// MiB of memory that can be asked for.
pub const MOST_MEMORY: u32 = 512;
/// Seconds that can be asked for.
pub const MOST_SECONDS: u32 = 30;
const MOST_ITEMS: usize = 50;

/// What a package asks to be allowed. Nothing that is not asked for is granted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Plain names, e.g. `network`: the form of older manifests, and what no sandbox enforces.
    pub names: Vec<String>,
    /// Hosts to connect to: `api.example.com`, `api.example.com:8443`, `*.example.com` or `*`. Without a port it is that of the scheme.
    pub network: Vec<String>,
    /// Folders to read, absolute, e.g. `/shared/models`.
    pub folders: Vec<String>,
    /// Names of secrets to be given, e.g. `API_KEY`.
    pub secrets: Vec<String>,
    /// MiB of memory, 1 to 512.
    pub memory_mib: Option<u32>,
    /// Seconds of wall time, 1 to 30.
    pub time_seconds: Option<u32>,
}

impl Capabilities {
    /// Reads the object, or the list of names that older manifests have.
    ///
    /// # Errors
    /// What is wrong, each with the field within `capabilities`.
    pub fn read(value: &Value) -> Result<Self, Vec<(String, String)>> {
        match value {
            Value::Null => Ok(Self::default()),
            Value::Array(_) => {
                let mut problems = Vec::new();
                let names = texts(value, "", &mut problems, |name| {
                    (name.trim().is_empty() || name.chars().count() > 64)
                        .then_some("has an item that is blank or longer than 64 characters")
                });
                if problems.is_empty() { Ok(Self { names, ..Self::default() }) } else { Err(problems) }
            }
            Value::Object(object) => Self::of_object(object),
            _ => Err(vec![(
                String::new(),
                "must be an object such as {\"network\":[\"api.example.com\"]}, or a list of names".into(),
            )]),
        }
    }

    fn of_object(object: &Map<String, Value>) -> Result<Self, Vec<(String, String)>> {
        let mut problems = Vec::new();
        let missing = Value::Null;
        let field = |name: &str| object.get(name).unwrap_or(&missing);
        let read = Self {
            names: Vec::new(),
            network: texts(field("network"), "network", &mut problems, |host| {
                (!is_host(host))
                    .then_some("must be names of hosts such as `api.example.com` or `api.example.com:8443`, without scheme or path")
            }),
            folders: texts(field("folders"), "folders", &mut problems, |folder| {
                (!is_folder(folder)).then_some("must be absolute paths without `..`, such as `/shared/models`")
            }),
            secrets: texts(field("secrets"), "secrets", &mut problems, |name| {
                (!is_secret_name(name)).then_some("must be names such as `API_KEY`, not the secrets themselves")
            }),
            memory_mib: number(field("memoryMiB"), "memoryMiB", MOST_MEMORY, &mut problems),
            time_seconds: number(field("timeSeconds"), "timeSeconds", MOST_SECONDS, &mut problems),
        };
        let known = ["network", "folders", "secrets", "memoryMiB", "timeSeconds"];
        for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
            problems.push((name.clone(), format!("is no capability; there are {}", known.join(", "))));
        }
        if problems.is_empty() { Ok(read) } else { Err(problems) }
    }

    /// Whether any host may be reached.
    #[must_use]
    pub fn reaches_network(&self) -> bool {
        !self.network.is_empty()
            || self.names.iter().any(|name| name.eq_ignore_ascii_case("network") || name.eq_ignore_ascii_case("http"))
    }

    /// Hosts that stand for every host there is.
    pub fn unbounded(&self) -> impl Iterator<Item = &str> {
        self.network
            .iter()
            .map(String::as_str)
            .filter(|host| *host == "*" || host.strip_prefix("*.").is_some_and(|rest| !rest.contains('.')))
    }

    /// Hosts that are private, link-local or this machine, where other people's services and a cloud's credentials are.
    pub fn private(&self) -> impl Iterator<Item = &str> {
        self.network.iter().map(String::as_str).filter(|host| is_private(host))
    }
}

/// Whether a package that declares the host `one` reaches everything that declaring `other` lets it reach.
#[must_use]
pub fn covers_host(one: &str, other: &str) -> bool {
    let ((one, one_port), (other, other_port)) = (with_port(one), with_port(other));
    // Without a port it is that of the scheme, which no declared port is the same as.
    one_port == other_port
        && match one.strip_prefix('*') {
            Some("") => true,
            Some(domain) => other.len() > domain.len() && other.ends_with(domain),
            None => one == other,
        }
}

/// Whether a package that may read the folder `one` may read `other`.
#[must_use]
pub fn covers_folder(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim_end_matches('/'), other.trim_end_matches('/'));
    other.strip_prefix(one).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn texts(
    value: &Value,
    field: &str,
    problems: &mut Vec<(String, String)>,
    wrong: impl Fn(&str) -> Option<&'static str>,
) -> Vec<String> {
    if value.is_null() {
        return Vec::new();
    }
    let read: Option<Vec<String>> =
        value.as_array().and_then(|items| items.iter().map(|item| item.as_str().map(str::to_owned)).collect());
    let problem = match &read {
        None => Some("must be a list of texts".to_owned()),
        Some(items) if items.len() > MOST_ITEMS => Some(format!("has more than {MOST_ITEMS} items")),
        Some(items) => items.iter().find_map(|item| wrong(item)).map(str::to_owned),
    };
    match problem {
        Some(problem) => {
            problems.push((field.to_owned(), problem));
            Vec::new()
        }
        None => read.unwrap_or_default(),
    }
}

fn number(value: &Value, field: &str, most: u32, problems: &mut Vec<(String, String)>) -> Option<u32> {
    if value.is_null() {
        return None;
    }
    let read =
        value.as_u64().and_then(|number| u32::try_from(number).ok()).filter(|number| (1..=most).contains(number));
    if read.is_none() {
        problems.push((field.to_owned(), format!("must be a whole number from 1 to {most}")));
    }
    read
}

/// Whether a manifest may declare it as a host: a name in small letters, perhaps with `*.` before it, or an address, perhaps with a port; or `*`.
#[must_use]
pub fn is_host(host: &str) -> bool {
    if host == "*" || without_port(host).parse::<IpAddr>().is_ok() {
        return true;
    }
    let name = without_port(host);
    let name = name.strip_prefix("*.").unwrap_or(name);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

fn without_port(host: &str) -> &str {
    with_port(host).0
}

/// A port that is a number is cut off; anything else behind a colon stays, and is no name.
fn with_port(host: &str) -> (&str, Option<u16>) {
    match host.rsplit_once(':').map(|(name, port)| (name, port.parse())) {
        Some((name, Ok(port))) if !name.contains(':') => (name, Some(port)),
        _ => (host, None),
    }
}

fn is_folder(folder: &str) -> bool {
    folder.starts_with('/')
        && folder.len() <= 1_024
        && !folder.contains('\0')
        && folder.split('/').all(|part| part != "..")
}

fn is_secret_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

fn is_private(host: &str) -> bool {
    let host = without_port(host);
    match host.parse() {
        Ok(IpAddr::V4(address)) => is_private_v4(address),
        Ok(IpAddr::V6(address)) => address.to_ipv4_mapped().map_or_else(|| is_private_v6(address), is_private_v4),
        Err(_) => host == "localhost" || [".localhost", ".local", ".internal"].iter().any(|end| host.ends_with(end)),
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    address.is_private() || address.is_loopback() || address.is_link_local() || address.is_unspecified()
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    address.is_loopback() || address.is_unspecified() || address.is_unique_local() || address.is_unicast_link_local()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_forms_are_read() {
        let list = Capabilities::read(&json!(["network", "shell"])).unwrap();
        assert!(list.reaches_network() && list.names.len() == 2);
        let object =
            Capabilities::read(&json!({"network":["api.example.com:8443","*.example.org"],"folders":["/shared"],
            "secrets":["API_KEY"],"memoryMiB":64,"timeSeconds":5}))
            .unwrap();
        assert_eq!((object.memory_mib, object.time_seconds), (Some(64), Some(5)));
        assert_eq!(object.unbounded().count() + object.private().count(), 0);
        assert_eq!(Capabilities::read(&Value::Null), Ok(Capabilities::default()));
    }

    #[test]
    fn what_cannot_be_granted_is_refused() {
        for (value, field) in [
            (json!("network"), ""),
            (json!([1]), ""),
            (json!([""]), ""),
            (json!({"network":["https://example.com"]}), "network"),
            (json!({"network":["example.com:http"]}), "network"),
            (json!({"network":["example.com:99999"]}), "network"),
            (json!({"network":["example.com/a"]}), "network"),
            (json!({"folders":["../x"]}), "folders"),
            (json!({"folders":["/shared/../etc"]}), "folders"),
            (json!({"secrets":["sk-live-1"]}), "secrets"),
            (json!({"memoryMiB":4096}), "memoryMiB"),
            (json!({"timeSeconds":0}), "timeSeconds"),
            (json!({"timeSeconds":1.5}), "timeSeconds"),
            (json!({"shell":true}), "shell"),
        ] {
            let problems = Capabilities::read(&value).unwrap_err();
            assert_eq!(problems.iter().map(|(field, _)| field.as_str()).collect::<Vec<_>>(), [field], "{value}");
        }
    }

    #[test]
    fn a_host_covers_what_its_pattern_reaches() {
        for (one, other, covers) in [
            ("*", "*.example.com", true),
            ("*", "a.example.com:8443", false),
            ("*.example.com", "a.example.com", true),
            ("*.example.com", "*.a.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "*.com", false),
            ("*.example.com", "badexample.com", false),
            ("example.com", "example.com", true),
            ("example.com", "example.com:443", false),
            ("::1", "::1", true),
            ("a.example.com", "*", false),
        ] {
            assert_eq!(covers_host(one, other), covers, "{one} {other}");
        }
    }

    #[test]
    fn a_folder_covers_what_lies_in_it() {
        for (one, other, covers) in [
            ("/", "/shared", true),
            ("/shared", "/shared/models", true),
            ("/shared/", "/shared", true),
            ("/shared", "/shared-too", false),
            ("/shared/models", "/shared", false),
        ] {
            assert_eq!(covers_folder(one, other), covers, "{one} {other}");
        }
    }

    #[test]
    fn private_and_unbounded_hosts_are_told() {
        let hosts = [
            "169.254.169.254",
            "10.0.0.1",
            "::1",
            "::ffff:127.0.0.1",
            "fd00::1",
            "localhost",
            "db.internal:5432",
            "10.0.0.1:80",
        ];
        let asked = Capabilities::read(&json!({"network": hosts})).unwrap();
        assert_eq!(asked.private().count(), hosts.len());
        let asked = Capabilities::read(&json!({"network": ["*", "*.com", "8.8.8.8", "*.example.com"]})).unwrap();
        assert_eq!(asked.unbounded().collect::<Vec<_>>(), ["*", "*.com"]);
        assert_eq!(asked.private().count(), 0);
    }
}
