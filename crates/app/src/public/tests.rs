use std::{collections::BTreeSet, path::PathBuf};

use souk_domain::event::EVENT_TYPES;
use souk_ports::{Actor, Metadata};
use souk_testkit::PlainVault;

use super::*;

fn mapper() -> Mapper {
    Mapper::new(&PlainVault::default(), Some("https://souk.example/"))
}

fn metadata() -> Bytes {
    let metadata = Metadata {
        actor: Actor::SYSTEM,
        command_id: Uuid::from_u128(1).into(),
        correlation_id: Uuid::from_u128(1),
        causation_id: Uuid::from_u128(1),
        traceparent: None,
        plugin_id: Some(Uuid::from_u128(3).into()),
        vendor_id: Some(Uuid::from_u128(2).into()),
    };
    serde_json::to_vec(&metadata).unwrap().into()
}

/// The example of an event's newest shape, as the log would have it.
fn recorded(event_type: &str) -> RecordedEvent {
    let (_, schema_version) = EVENT_TYPES.iter().find(|(name, _)| *name == event_type).unwrap();
    let golden = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../domain/golden"));
    let data = std::fs::read(golden.join(format!("{event_type}.v{schema_version}.json"))).unwrap();
    let category = match event_type.split_once('.').unwrap().0 {
        "payment" => "order",
        "email" | "key" | "name" | "slug" | "reference" | "trial" | "traffic" | "webhook" | "partner" => "user",
        category => category,
    };
    RecordedEvent {
        id: Uuid::from_u128(7),
        stream: format!("{category}-{}", Uuid::from_u128(3)).parse().unwrap(),
        version: 0,
        position: 42,
        event_type: event_type.to_owned(),
        schema_version: *schema_version,
        recorded_at: "2026-11-21T09:00:00.25Z".parse().unwrap(),
        data: data.into(),
        metadata: metadata(),
    }
}

/// What of `value` is not as `schema` says.
fn misfits(place: &str, value: &Value, schema: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let fits = match schema["type"].as_str().unwrap() {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other}"),
    };
    if !fits || schema["enum"].as_array().is_some_and(|values| !values.contains(value)) {
        found.push(format!("{place}: {value}"));
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.get(name.as_str().unwrap()).is_none() {
            found.push(format!("{place}: no {name}"));
        }
    }
    for (name, value) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(name) {
            Some(schema) => found.extend(misfits(&format!("{place}/{name}"), value, schema)),
            None => found.push(format!("{place}/{name}: is in no schema")),
        }
    }
    for item in value.as_array().into_iter().flatten() {
        found.extend(misfits(&format!("{place}/[]"), item, &schema["items"]));
    }
    found
}

#[test]
fn every_type_is_made_of_what_is_recorded_and_fits_its_schema() {
    for public in TYPES {
        let told = mapper().map(&recorded(public.name)).unwrap();
        let told = told.unwrap_or_else(|| panic!("{} is not told", public.name));
        assert_eq!(misfits(public.name, &told.data, &schema(public, "")), Vec::<String>::new());
        assert!(told.json.len() < 20_000);
    }
}

#[test]
fn who_bought_what_and_what_persons_wrote_is_in_no_public_event() {
    let private = [
        "userId",
        "buyerId",
        "ownerId",
        "reference",
        "orderId",
        "licenseId",
        "subscriptionId",
        "label",
        "body",
        "title",
        "email",
        "payoutAccount",
        "report",
        "manifest",
        "description",
        "seed",
    ];
    for (name, _) in EVENT_TYPES {
        let recorded = recorded(name);
        let Some(told) = mapper().map(&recorded).unwrap() else { continue };
        let text = std::str::from_utf8(&told.json).unwrap();
        for word in private {
            assert!(!text.contains(&format!("\"{word}\"")), "{name}: {word}");
        }
        assert!(!text.contains("$enc"), "{name}");
        // The user of every example.
        assert!(!text.contains("00000000-0000-0000-0000-000000000001"), "{name}");
        let category = recorded.stream.category;
        let open = matches!(category, Category::Plugin | Category::Vendor | Category::Validation);
        assert_eq!(told.subject.contains(&recorded.stream.uuid.to_string()), open, "{name}: {}", told.subject);
    }
}

#[test]
fn nothing_is_public_by_default() {
    let told: BTreeSet<_> = TYPES.iter().map(|public| public.name).collect();
    for (name, _) in EVENT_TYPES {
        assert_eq!(mapper().map(&recorded(name)).unwrap().is_some(), told.contains(name), "{name}");
    }
    for hidden in ["user.registered", "partner.registered", "review.replied", "payment.failed", "license.activated"] {
        assert!(!told.contains(hidden), "{hidden}");
    }
}

#[test]
fn it_is_a_cloud_event_that_standard_webhooks_read_as_well() {
    let told = mapper().map(&recorded("plugin.version_approved")).unwrap().unwrap();
    let json: Value = serde_json::from_slice(&told.json).unwrap();
    let expected = json!({
        "specversion": "1.0",
        "id": Uuid::from_u128(7),
        "source": "https://souk.example",
        "type": "souk.plugin.version_approved.v1",
        "subject": "plugin/00000000-0000-0000-0000-000000000003",
        "time": "2026-11-21T09:00:00.250000Z",
        "timestamp": "2026-11-21T09:00:00.250000Z",
        "datacontenttype": "application/json",
        "dataschema": "https://souk.example/api/v1/schemas/souk.plugin.version_approved/v1",
        "sequence": "42",
        "partitionkey": "00000000-0000-0000-0000-000000000003",
        "pluginid": "00000000-0000-0000-0000-000000000003",
        "vendorid": "00000000-0000-0000-0000-000000000002",
        "data": { "version": "1.0.0", "digest": "a".repeat(64), "confidence": 96, "by": "validation" },
    });
    assert_eq!(json, expected);
    let names = json.as_object().unwrap().keys();
    assert!(names.clone().all(|name| name.len() <= 20 && name.chars().all(|c| c.is_ascii_lowercase())), "{names:?}");
}

#[test]
fn what_a_newer_souk_wrote_is_waited_for_and_what_is_odd_is_left_out() {
    let newer = RecordedEvent { schema_version: 99, ..recorded("plugin.created") };
    assert!(matches!(mapper().map(&newer), Err(Untold::Newer { position: 42, .. })));
    let odd = RecordedEvent { data: Bytes::from_static(b"{}"), ..recorded("plugin.created") };
    assert!(mapper().map(&odd).unwrap().is_none());
}

#[test]
fn what_is_beyond_a_scope_is_named() {
    let scopes = souk_domain::partner::Scopes {
        types: ["plugin.*".to_owned()].into(),
        vendors: [Uuid::from_u128(2).into()].into(),
        plugins: [].into(),
    };
    let asked = |types: &[&str]| Asked { types: types.iter().map(|t| (*t).to_owned()).collect(), ..Asked::default() };
    let event = mapper().map(&recorded("plugin.created")).unwrap().unwrap();
    let review = mapper().map(&recorded("review.submitted")).unwrap().unwrap();
    let all = Filter::new(&asked(&[]), &scopes).unwrap();
    assert!(all.passes(&event) && !all.passes(&review));
    assert!(Filter::new(&asked(&["plugin.*", "plugin.version_*"]), &scopes).is_err(), "a star stands behind a dot");
    let some = Filter::new(&asked(&["*"]), &scopes).unwrap();
    assert!(some.passes(&event) && !some.passes(&review), "of a pattern, what is in the scope");
    assert!(Filter::new(&asked(&["souk.plugin.created.v1", "plugin.*"]), &scopes).unwrap().passes(&event));
    let beyond = |asked: &Asked| match Filter::new(asked, &scopes).unwrap_err() {
        Refusal::BeyondScope { part, wanted } => format!("{part} {wanted}"),
        Refusal::UnknownType(name) => format!("unknown {name}"),
    };
    assert_eq!(beyond(&asked(&["review.submitted"])), "types review.submitted");
    assert_eq!(beyond(&asked(&["plugin.*", "review.*"])), "types review.*");
    assert_eq!(beyond(&asked(&["plugin.exploded"])), "unknown plugin.exploded");
    let plugin = Asked { plugin: Some(Uuid::from_u128(9).into()), ..Asked::default() };
    assert!(beyond(&plugin).starts_with("plugins"));
    let vendor = Asked { vendor: Some(Uuid::from_u128(9).into()), ..Asked::default() };
    assert!(beyond(&vendor).starts_with("vendors"));
    let everybody = Filter::new(&Asked::default(), &open_scopes()).unwrap();
    assert!(everybody.passes(&event) && !everybody.passes(&review));
}
