//! What samples may have on the machine of an author, and what they ask for beyond it.

use serde_json::Value;
use souk_package::{
    capabilities::{Capabilities, covers_host, is_host},
    samples, shown,
};
use souk_ports::sandbox::{ANY_HOST, Grants};

use crate::{cli::Checks, config::Config, failure::Failure};

/// What the configuration grants and what the command line adds.
///
/// # Errors
/// A host is none, or a secret is named that is no variable.
pub fn grants(config: &Config, checks: &Checks) -> Result<Grants, Failure> {
    let mut grants = config.sandbox.grants();
    if let Some(wrong) = checks.allow_host.iter().find(|host| !is_host(host)) {
        return Err(Failure::new(format!(
            "--allow-host {wrong}: expected a host as manifests declare it, in small letters and perhaps with a port: api.example.com, \
             *.example.com, localhost:8080, or `*` for any; no address with a scheme or a path"
        )));
    }
    grants.hosts.extend(checks.allow_host.iter().cloned());
    if let Some(shared) = &checks.shared {
        if !shared.is_dir() {
            return Err(Failure::new(format!("--shared {}: this is no folder", shared.display())));
        }
        grants.shared = Some(shared.clone());
    }
    for name in &checks.secret {
        let value = std::env::var(name).map_err(|_| {
            Failure::new(format!(
                "--secret {name}: set the variable {name} to the secret; its value is never an argument"
            ))
        })?;
        grants.secrets.insert(name.clone(), value);
    }
    Ok(grants)
}

/// What a reader should know of how the samples of `manifest` were run, or not.
pub fn remarks(manifest: &Value, grants: Option<&Grants>) -> Vec<String> {
    let has_samples =
        manifest.get("samples").and_then(|value| samples::read(value).ok()).is_some_and(|all| !all.is_empty());
    if !has_samples {
        return Vec::new();
    }
    let Some(grants) = grants else { return vec!["its samples were not run (--no-run)".to_owned()] };
    let declared = manifest.get("capabilities").and_then(|value| Capabilities::read(value).ok()).unwrap_or_default();
    let lacking = lacking(&declared, grants);
    if lacking.is_empty() {
        return Vec::new();
    }
    vec![format!("its samples ran without what it declares and is not granted here: {}", lacking.join(", "))]
}

/// What is declared and not granted, each with how to grant it.
fn lacking(declared: &Capabilities, grants: &Grants) -> Vec<String> {
    let mut lacking = Vec::new();
    let granted = |host: &String| grants.hosts.iter().any(|granted| granted == ANY_HOST || covers_host(granted, host));
    for host in declared.network.iter().filter(|host| !granted(host)) {
        let host = shown(host.as_bytes());
        lacking.push(format!("the host {host} (--allow-host {host})"));
    }
    for name in declared.secrets.iter().filter(|name| !grants.secrets.contains_key(*name)) {
        let name = shown(name.as_bytes());
        lacking.push(format!("the secret {name} (--secret {name})"));
    }
    let declares = |top: &str| {
        let below =
            |folder: &String| folder.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        declared.folders.iter().any(below)
    };
    if declares("/shared") && grants.shared.is_none() {
        lacking.push("/shared (--shared DIR)".to_owned());
    }
    if declares("/tmp") && !grants.temp {
        lacking.push("/tmp (`sandbox.temp` in souk.toml)".to_owned());
    }
    for (asked, most, what, key) in [
        (declared.memory_mib, grants.memory_mib, "MiB of memory", "memory_mib"),
        (declared.time_seconds, grants.seconds, "seconds", "seconds"),
    ] {
        if let Some(asked) = asked.filter(|asked| *asked > most) {
            lacking.push(format!("{asked} {what}, of which it had {most} (`sandbox.{key}` in souk.toml)"));
        }
    }
    lacking
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn manifest() -> Value {
        json!({
            "capabilities": {"network": ["a.example", "b.example"], "secrets": ["KEY"], "folders": ["/shared/maps", "/tmp"], "memoryMiB": 256},
            "samples": [{"name": "a", "input": 1, "expected": 1}],
        })
    }

    #[test]
    fn what_is_not_granted_is_told_with_how_to_grant_it() {
        let mut grants =
            Grants { hosts: vec!["a.example".into()], temp: true, memory_mib: 128, seconds: 30, ..Grants::default() };
        let told = remarks(&manifest(), Some(&grants)).join("\n");
        for part in ["--allow-host b.example", "--secret KEY", "--shared DIR", "256 MiB of memory, of which it had 128"]
        {
            assert!(told.contains(part), "{part} is missing in {told}");
        }
        assert!(!told.contains("a.example (") && !told.contains("/tmp"), "{told}");
        grants = Grants {
            hosts: vec!["*".into()],
            shared: Some("/".into()),
            secrets: [("KEY".to_owned(), String::new())].into(),
            memory_mib: 512,
            ..grants
        };
        assert_eq!(remarks(&manifest(), Some(&grants)), Vec::<String>::new());
    }

    #[test]
    fn without_samples_there_is_nothing_to_say() {
        let mut manifest = manifest();
        assert_eq!(remarks(&manifest, None).len(), 1);
        manifest["samples"] = json!([]);
        assert_eq!(remarks(&manifest, None), Vec::<String>::new());
    }

    #[test]
    fn a_secret_comes_from_a_variable() {
        let checks = Checks { secret: vec!["THERE_IS_NO_SUCH_VARIABLE".into()], ..Checks::default() };
        assert!(grants(&Config::default(), &checks).unwrap_err().to_string().contains("THERE_IS_NO_SUCH_VARIABLE"));
        let checks = Checks { allow_host: vec!["a.example".into()], secret: vec!["PATH".into()], ..Checks::default() };
        let grants = grants(&Config::default(), &checks).unwrap();
        assert!(grants.hosts.contains(&"a.example".to_owned()) && grants.secrets.contains_key("PATH"));
    }

    #[test]
    fn a_host_is_one_as_manifests_declare_it() {
        let with =
            |host: &str| grants(&Config::default(), &Checks { allow_host: vec![host.into()], ..Checks::default() });
        for wrong in ["http://x/y", "https://a.example", "a.example/path", "A.example", "", "a b"] {
            let said = with(wrong).unwrap_err().to_string();
            assert!(said.contains(&format!("--allow-host {wrong}: expected a host")), "{said}");
            assert!(said.contains("api.example.com"), "{said}");
        }
        for host in ["*", "a.example", "*.a.example", "localhost:8080", "127.0.0.1", "127.0.0.1:80", "::1"] {
            assert!(with(host).unwrap().hosts.contains(&host.to_owned()), "{host}");
        }
    }
}
