//! `docker-compose.yml`: the keys of the Compose specification that this house uses, with their types, and its own rules.
//! A key that is not in these tables is an error, whether Compose knows it or not: add it here when it is needed.

use serde_json::{Map, Value};

/// What a key takes.
#[derive(Clone, Copy)]
enum Takes {
    Text,
    Flag,
    Count,
    /// `10s`
    Time,
    Texts,
    /// Names and texts.
    Pairs,
    OneOf(&'static [&'static str]),
    Keys(&'static [(&'static str, Takes)]),
    /// Names of one's own choice, each with the same keys.
    Named(&'static [(&'static str, Takes)]),
}

const HEALTHCHECK: &[(&str, Takes)] = &[
    ("test", Takes::Texts),
    ("interval", Takes::Time),
    ("timeout", Takes::Time),
    ("retries", Takes::Count),
    ("start_period", Takes::Time),
];

const CONDITIONS: &[&str] = &["service_started", "service_healthy", "service_completed_successfully"];

const SERVICE: &[(&str, Takes)] = &[
    ("build", Takes::Text),
    ("image", Takes::Text),
    ("profiles", Takes::Texts),
    ("command", Takes::Texts),
    ("environment", Takes::Pairs),
    ("volumes", Takes::Texts),
    ("ports", Takes::Texts),
    ("depends_on", Takes::Named(&[("condition", Takes::OneOf(CONDITIONS))])),
    ("deploy", Takes::Keys(&[("replicas", Takes::Count)])),
    ("healthcheck", Takes::Keys(HEALTHCHECK)),
    ("stop_grace_period", Takes::Time),
    ("restart", Takes::OneOf(&["no", "always", "on-failure", "unless-stopped"])),
    ("init", Takes::Flag),
    ("read_only", Takes::Flag),
    ("tmpfs", Takes::Texts),
    ("cap_drop", Takes::Texts),
    ("security_opt", Takes::Texts),
    ("shm_size", Takes::Text),
    ("working_dir", Takes::Text),
];

const TOP: &[(&str, Takes)] =
    &[("name", Takes::Text), ("services", Takes::Named(SERVICE)), ("volumes", Takes::Named(&[]))];

/// Everything that is wrong, one line each.
pub fn faults(compose: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(Takes::Keys(TOP), compose, "", &mut found);
    let empty = Map::new();
    let services = compose["services"].as_object().unwrap_or(&empty);
    let volumes = compose["volumes"].as_object().unwrap_or(&empty);
    for (name, service) in services {
        let mut faults = relations(service, services, volumes);
        faults.extend(rules(service));
        found.extend(faults.into_iter().map(|fault| format!("services.{name}: {fault}")));
    }
    for variable in variables(&compose.to_string()) {
        found.push(variable);
    }
    found.into_iter().map(|fault| format!("docker-compose.yml: {fault}")).collect()
}

fn check(takes: Takes, value: &Value, path: &str, found: &mut Vec<String>) {
    let mut wrong = |expected: &str| found.push(format!("{path}: {value}: expected {expected}"));
    match takes {
        Takes::Text if !value.is_string() => wrong("a text"),
        Takes::Flag if !value.is_boolean() => wrong("true or false"),
        Takes::Count if !value.is_u64() => wrong("a whole number"),
        Takes::Time if !value.as_str().is_some_and(is_time) => wrong("a time such as 10s"),
        Takes::Texts if !value.as_array().is_some_and(|items| items.iter().all(Value::is_string)) => {
            wrong("a list of texts")
        }
        Takes::Pairs if !value.as_object().is_some_and(|pairs| pairs.values().all(Value::is_string)) => {
            wrong("names and texts; put numbers and true into quotes");
        }
        Takes::OneOf(words) if !value.as_str().is_some_and(|word| words.contains(&word)) => {
            wrong(&format!("one of {}", words.join(", ")));
        }
        Takes::Keys(keys) => match value.as_object() {
            Some(fields) => {
                // What begins with `x-` at the top is for anchors.
                for (name, field) in fields.iter().filter(|(name, _)| !(path.is_empty() && name.starts_with("x-"))) {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    match keys.iter().find(|(key, _)| key == name) {
                        Some((_, takes)) => check(*takes, field, &path, found),
                        None => found.push(format!("{path}: unknown key")),
                    }
                }
            }
            None => wrong("keys and values"),
        },
        Takes::Named(keys) => match value.as_object() {
            Some(fields) => {
                for (name, field) in fields.iter().filter(|(_, field)| !field.is_null()) {
                    check(Takes::Keys(keys), field, &format!("{path}.{name}"), found);
                }
            }
            None => wrong("names"),
        },
        _ => {}
    }
}

fn is_time(text: &str) -> bool {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    number.parse::<u32>().is_ok() && ["ms", "s", "m", "h"].contains(&&text[number.len()..])
}

/// Services and volumes that a service names are there, and can do what is waited for.
fn relations(service: &Value, services: &Map<String, Value>, volumes: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    for (other, how) in service["depends_on"].as_object().into_iter().flatten() {
        let Some(wanted) = services.get(other) else {
            found.push(format!("depends_on.{other}: there is no such service"));
            continue;
        };
        if how["condition"] == "service_healthy" && wanted.get("healthcheck").is_none() {
            found.push(format!("depends_on.{other}: can never be healthy, because it has no healthcheck"));
        }
        if how["condition"] == "service_completed_successfully" && wanted["restart"] != "no" {
            found.push(format!("depends_on.{other}: never completes, because it is started again"));
        }
        let profiles = |service: &Value| service["profiles"].as_array().cloned().unwrap_or_default();
        let (own, others) = (profiles(service), profiles(wanted));
        if !others.is_empty() && (own.is_empty() || own.iter().any(|profile| !others.contains(profile))) {
            found.push(format!("depends_on.{other}: its profile does not start it"));
        }
    }
    for volume in service["volumes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let source = volume.split(':').next().unwrap_or_default();
        if !source.starts_with(['.', '/']) && !volumes.contains_key(source) {
            found.push(format!("volumes: {source} is not declared"));
        }
    }
    found
}

/// House rules.
fn rules(service: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let image = service["image"].as_str().unwrap_or_default();
    let tag = image.rsplit('/').next().unwrap_or_default().split_once(':').map_or("", |(_, tag)| tag);
    if tag.is_empty() || tag == "latest" {
        found.push(format!("image: {image:?}: expected a version, and not the latest"));
    }
    let drops =
        |key: &str, what: &str| service[key].as_array().is_some_and(|items| items.iter().any(|item| item == what));
    if !drops("security_opt", "no-new-privileges:true") {
        found.push("security_opt: expected no-new-privileges:true".to_owned());
    }
    if service["restart"] != "no" && service.get("healthcheck").is_none() {
        found.push("healthcheck: missing".to_owned());
    }
    // Souk itself needs nothing; the others are what they are.
    if image.starts_with("souk:") && !(service["read_only"] == true && drops("cap_drop", "ALL")) {
        found.push("expected read_only: true and cap_drop: [ALL]".to_owned());
    }
    for port in service["ports"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !port.contains("127.0.0.1") {
            found
                .push(format!("ports: {port:?}: expected to be published on 127.0.0.1 unless somebody says otherwise"));
        }
    }
    for (name, value) in service["environment"].as_object().into_iter().flatten() {
        let secret = ["KEK", "PASSWORD", "SECRET", "TOKEN"].iter().any(|word| name.contains(word));
        if secret && !value.as_str().is_some_and(|text| text.starts_with("${") && text.contains(":?")) {
            found.push(format!("environment.{name}: expected ${{NAME:?what to set}}, and no value or default"));
        }
    }
    found
}

/// `$NAME` that would quietly be empty.
fn variables(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("${") {
        let inner = text[at + 2..].split('}').next().unwrap_or_default();
        let name = inner.split(':').next().unwrap_or_default();
        if !inner.contains(":?") && !inner.contains(":-") {
            found.push(format!("${{{name}}}: expected a default or what to set"));
        }
    }
    found
}
