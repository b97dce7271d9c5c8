//! What a version asks to be allowed that another does not.

use serde_json::Value;
use souk_package::capabilities::{Capabilities, covers_folder, covers_host};
use souk_ports::sandbox::{DEFAULT_MEMORY_MIB, MAX_SECONDS};

/// How a capability changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Asked for anew.
    Added,
    /// More than before of the same sort: a pattern with the hosts of an older one, a folder around an older one, a higher limit.
    Widened,
    /// Less than before of the same sort.
    Narrowed,
    /// No longer asked for.
    Removed,
}

/// A capability that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapabilityChange {
    /// Which, as manifests call it: `network`, `folders`, `secrets`, `memoryMiB`, `timeSeconds`; `names` in the older form.
    pub capability: &'static str,
    /// How.
    pub change: Reach,
    /// What was asked for; several where one thing stands for them now, none where it is new.
    pub from: Vec<String>,
    /// What is asked for; none where it is gone.
    pub to: Vec<String>,
}

/// What changes from the capabilities that one manifest declares to those of another; what cannot be read declares nothing.
pub(super) fn compare(from: &Value, to: &Value) -> Vec<CapabilityChange> {
    let read = |manifest: &Value| {
        manifest.get("capabilities").and_then(|asked| Capabilities::read(asked).ok()).unwrap_or_default()
    };
    let (from, to) = (read(from), read(to));
    let same = |one: &str, other: &str| one == other;
    let mut changes = Vec::new();
    items("network", &from.network, &to.network, covers_host, &mut changes);
    items("folders", &from.folders, &to.folders, covers_folder, &mut changes);
    items("secrets", &from.secrets, &to.secrets, same, &mut changes);
    items("names", &from.names, &to.names, same, &mut changes);
    changes
        .extend(limit("memoryMiB", [from.memory_mib, to.memory_mib].map(|asked| asked.unwrap_or(DEFAULT_MEMORY_MIB))));
    changes
        .extend(limit("timeSeconds", [from.time_seconds, to.time_seconds].map(|asked| asked.unwrap_or(MAX_SECONDS))));
    changes
}

/// What an older item covers is nothing new, and what a newer one covers is not gone.
fn items(
    capability: &'static str,
    from: &[String],
    to: &[String],
    covers: impl Fn(&str, &str) -> bool,
    changes: &mut Vec<CapabilityChange>,
) {
    let covered = |item: &str, by: &[String]| by.iter().any(|other| covers(other, item));
    let within = |item: &str, all: &[String]| -> Vec<String> {
        all.iter().filter(|other| covers(item, other)).cloned().collect()
    };
    for item in to.iter().filter(|item| !covered(item, from)) {
        let from = within(item, from);
        let change = if from.is_empty() { Reach::Added } else { Reach::Widened };
        changes.push(CapabilityChange { capability, change, from, to: vec![item.clone()] });
    }
    for item in from.iter().filter(|item| !covered(item, to)) {
        let to = within(item, to);
        let change = if to.is_empty() { Reach::Removed } else { Reach::Narrowed };
        changes.push(CapabilityChange { capability, change, from: vec![item.clone()], to });
    }
}

fn limit(capability: &'static str, [from, to]: [u32; 2]) -> Option<CapabilityChange> {
    let change = if to > from { Reach::Widened } else { Reach::Narrowed };
    let told = CapabilityChange { capability, change, from: vec![from.to_string()], to: vec![to.to_string()] };
    (from != to).then_some(told)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(from: Value, to: Value) -> Vec<(&'static str, Reach, String, String)> {
        let manifest = |capabilities: Value| json!({ "capabilities": capabilities });
        let changes = compare(&manifest(from), &manifest(to));
        changes.into_iter().map(|it| (it.capability, it.change, it.from.join(" "), it.to.join(" "))).collect()
    }

    fn one(
        capability: &'static str,
        change: Reach,
        from: &str,
        to: &str,
    ) -> Vec<(&'static str, Reach, String, String)> {
        vec![(capability, change, from.to_owned(), to.to_owned())]
    }

    #[test]
    fn what_is_new_and_what_is_gone_is_told() {
        let (old, new) = (json!({"secrets": ["A_KEY"]}), json!({"secrets": ["A_KEY", "B_KEY"]}));
        assert_eq!(told(old.clone(), new.clone()), one("secrets", Reach::Added, "", "B_KEY"));
        assert_eq!(told(new, old.clone()), one("secrets", Reach::Removed, "B_KEY", ""));
        assert_eq!(told(old.clone(), old), []);
        assert_eq!(told(json!(["network"]), json!(["network", "shell"])), one("names", Reach::Added, "", "shell"));
    }

    #[test]
    fn a_host_that_covers_another_widens_it() {
        let narrow = json!({"network": ["a.example.com", "b.example.com", "other.example"]});
        let wide = json!({"network": ["*.example.com", "other.example"]});
        let hosts = "a.example.com b.example.com";
        assert_eq!(told(narrow.clone(), wide.clone()), one("network", Reach::Widened, hosts, "*.example.com"));
        assert_eq!(told(wide.clone(), narrow), one("network", Reach::Narrowed, "*.example.com", hosts));
        let everything = json!({"network": ["*"]});
        assert_eq!(told(wide, everything), one("network", Reach::Widened, "*.example.com other.example", "*"));
        let doubled = json!({"network": ["*", "a.example.com"]});
        assert_eq!(told(json!({"network": ["*"]}), doubled), [], "it was allowed already");
    }

    #[test]
    fn a_folder_around_another_widens_it() {
        let (inner, outer) = (json!({"folders": ["/shared/models"]}), json!({"folders": ["/shared"]}));
        assert_eq!(told(inner, outer), one("folders", Reach::Widened, "/shared/models", "/shared"));
    }

    #[test]
    fn limits_that_are_left_out_are_the_usual_ones() {
        assert_eq!(told(json!({}), json!({"memoryMiB": 64, "timeSeconds": 30})), []);
        assert_eq!(told(json!(null), json!({"memoryMiB": 256})), one("memoryMiB", Reach::Widened, "64", "256"));
        assert_eq!(told(json!({}), json!({"timeSeconds": 5})), one("timeSeconds", Reach::Narrowed, "30", "5"));
    }
}
