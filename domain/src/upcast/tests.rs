use serde_json::json;

use super::*;
use crate::event::EVENT_TYPES;

/// A plugin that was called a tool in its first version, and said nothing of its media in its second.
const STEPS: &[Upcast] = &[
    Upcast {
        event_type: "plugin.created",
        from: 1,
        apply: |mut data| {
            let name = data["tool"].take();
            json!({ "name": name })
        },
    },
    Upcast {
        event_type: "plugin.created",
        from: 2,
        apply: |mut data| {
            data["media"] = json!([]);
            data
        },
    },
];

#[test]
fn steps_are_taken_in_turn() {
    let newest = Ok(json!({ "name": "a", "media": [] }));
    assert_eq!(apply(STEPS, "plugin.created", 1, 3, json!({ "tool": "a" })), newest);
    assert_eq!(apply(STEPS, "plugin.created", 2, 3, json!({ "name": "a" })), newest);
    assert_eq!(apply(STEPS, "plugin.created", 3, 3, json!({ "name": "a", "media": [] })), newest);
}

#[test]
fn a_missing_step_is_named() {
    for (event_type, from, to) in [("plugin.created", 1, 4), ("plugin.described", 1, 2)] {
        let problem = apply(STEPS, event_type, from, to, json!({ "tool": "a" })).unwrap_err();
        assert!(problem.contains(&format!("schema version {}", to - 1)), "{problem}");
    }
}

#[test]
fn every_older_version_has_a_step_and_every_step_an_older_version() {
    let steps: Vec<_> = TABLE.iter().map(|step| (step.event_type, step.from)).collect();
    let needed = EVENT_TYPES.iter().flat_map(|(event_type, newest)| (1..*newest).map(|from| (*event_type, from)));
    let mut needed: Vec<_> = needed.collect();
    let mut sorted = steps;
    sorted.sort_unstable();
    needed.sort_unstable();
    assert_eq!(sorted, needed);
}
