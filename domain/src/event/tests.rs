use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use serde_json::json;

use super::*;
use crate::examples;

fn golden() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/golden"))
}

/// The types that an enum of events reads, as it tells when it is given another.
fn types_of<E: for<'de> Deserialize<'de>>() -> Vec<String> {
    let Err(error) = serde_json::from_value::<E>(json!({ "type": "none", "data": {} })) else { panic!("no error") };
    error.to_string().split('`').skip(3).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_event_reads_back_as_it_was_written() {
    for event in examples::all() {
        let Encoded { event_type, schema_version, data } = event.encode();
        assert_eq!(event_type, event.event_type());
        let bytes = event.encode_bytes();
        assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), data);
        assert_eq!(event.schema_version(), schema_version);
        assert_eq!(DomainEvent::decode_bytes(&event_type, schema_version, &bytes).as_ref(), Ok(&event));
        assert_eq!(DomainEvent::decode(&event_type, schema_version, data).as_ref(), Ok(&event));
    }
}

#[test]
fn every_event_has_fields_under_names_in_camel_case() {
    for event in examples::all() {
        let Value::Object(fields) = event.encode().data else { panic!("{event:?} has no fields") };
        assert!(fields.keys().all(|name| name.chars().all(char::is_alphanumeric)), "{fields:?}");
        assert!(fields.values().all(|value| !value.is_object() || !value.as_object().unwrap().contains_key("data")));
    }
}

#[test]
fn the_list_of_types_is_sorted_and_complete() {
    assert!(EVENT_TYPES.windows(2).all(|pair| pair[0].0 < pair[1].0));
    let listed: BTreeSet<_> = EVENT_TYPES.iter().map(|(event_type, _)| (*event_type).to_owned()).collect();
    let known: BTreeSet<_> = [
        types_of::<user::Event>(),
        types_of::<vendor::Event>(),
        types_of::<plugin::Event>(),
        types_of::<validation::Event>(),
        types_of::<installation::Event>(),
        types_of::<execution::Event>(),
        types_of::<review::Event>(),
        types_of::<order::Event>(),
        types_of::<subscription::Event>(),
        types_of::<license::Event>(),
        types_of::<download::Event>(),
        types_of::<series::Event>(),
        types_of::<webhook::Event>(),
        types_of::<traffic::Event>(),
        types_of::<partner::Event>(),
        types_of::<reservation::Event>(),
    ]
    .concat()
    .into_iter()
    .collect();
    assert_eq!(listed, known);
    let shown: BTreeSet<_> = examples::all().iter().map(|event| event.event_type().to_owned()).collect();
    assert_eq!(listed, shown);
}

#[test]
fn every_version_ever_written_has_an_example_and_is_read() {
    let mut missing: BTreeSet<_> = EVENT_TYPES
        .iter()
        .flat_map(|(event_type, newest)| (1..=*newest).map(move |version| format!("{event_type}.v{version}.json")))
        .collect();
    let newest: BTreeMap<_, _> = EVENT_TYPES.iter().copied().collect();

    for entry in fs::read_dir(golden()).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        assert!(missing.remove(&file), "{file} is an example of nothing");
        let (event_type, version) = file.strip_suffix(".json").and_then(|name| name.rsplit_once(".v")).unwrap();
        let version: u16 = version.parse().unwrap();

        let bytes = fs::read(golden().join(&file)).unwrap();
        let event = DomainEvent::decode_bytes(event_type, version, &bytes);
        let event = event.unwrap_or_else(|error| panic!("{file}: {error}"));
        let written = event.encode();
        assert_eq!(written.event_type, event_type, "{file}");
        if newest[event_type] == version {
            let stored: Value = serde_json::from_slice(&bytes).unwrap();
            assert_eq!(written.data, stored, "{file} would be written otherwise: its shape needs another version");
        }
    }
    assert!(missing.is_empty(), "no examples of {missing:?}");
}

#[test]
fn an_unknown_type_is_named() {
    for event_type in ["user.promoted", "execution.paused", "user", ""] {
        let unknown = Err(DecodeError::UnknownType(event_type.to_owned()));
        assert_eq!(DomainEvent::decode(event_type, 1, json!({})), unknown);
        assert_eq!(DomainEvent::decode_bytes(event_type, 1, b"{}"), unknown);
    }
}

#[test]
fn a_version_of_the_future_is_named_and_one_before_the_first_is_malformed() {
    let future = DecodeError::FutureVersion { event_type: "vendor.verified".to_owned(), found: 2, known: 1 };
    assert_eq!(DomainEvent::decode("vendor.verified", 2, json!({})), Err(future.clone()));
    assert_eq!(DomainEvent::decode_bytes("vendor.verified", 2, b"{}"), Err(future));
    assert!(matches!(DomainEvent::decode("vendor.verified", 0, json!({})), Err(DecodeError::Malformed { .. })));
}

#[test]
fn fields_that_do_not_fit_are_malformed_and_named() {
    for (data, problem) in [
        (json!({ "keyId": "00000000-0000-0000-0000-000000000005" }), "missing field `label`"),
        (json!({ "keyId": "no uuid", "label": "build" }), "UUID"),
        (json!([]), "keyId"),
        (json!(null), "null"),
    ] {
        let from_value = DomainEvent::decode("user.api_key_issued", 1, data.clone());
        let from_bytes = DomainEvent::decode_bytes("user.api_key_issued", 1, data.to_string().as_bytes());
        for result in [from_value, from_bytes] {
            let Err(DecodeError::Malformed { event_type, problem: found }) = result else { panic!("{result:?}") };
            assert_eq!(event_type, "user.api_key_issued");
            assert!(found.contains(problem) || data.is_array() || data.is_null(), "{found}");
        }
    }
}

#[test]
fn bytes_that_are_no_document_are_malformed() {
    for bytes in [&b""[..], b"{", b"{} {}", b"{}x", b"\xff"] {
        let result = DomainEvent::decode_bytes("vendor.verified", 1, bytes);
        assert!(matches!(result, Err(DecodeError::Malformed { .. })), "{result:?}");
    }
    assert!(DomainEvent::decode_bytes("vendor.verified", 1, b" {} \n").is_ok());
}

#[test]
fn unknown_fields_of_a_known_version_are_left_out() {
    let event = DomainEvent::decode("vendor.suspended", 1, json!({ "reason": "Complaints.", "later": 1 }));
    assert_eq!(event, Ok(vendor::Event::Suspended { reason: "Complaints.".to_owned() }.into()));
}

#[test]
fn an_event_goes_back_only_to_its_own_decider() {
    for event in examples::all() {
        let back = [
            user::Event::try_from(event.clone()).map(Into::into),
            vendor::Event::try_from(event.clone()).map(Into::into),
            plugin::Event::try_from(event.clone()).map(Into::into),
            validation::Event::try_from(event.clone()).map(Into::into),
            installation::Event::try_from(event.clone()).map(Into::into),
            execution::Event::try_from(event.clone()).map(Into::into),
            review::Event::try_from(event.clone()).map(Into::into),
            order::Event::try_from(event.clone()).map(Into::into),
            subscription::Event::try_from(event.clone()).map(Into::into),
            license::Event::try_from(event.clone()).map(Into::into),
            download::Event::try_from(event.clone()).map(Into::into),
            series::Event::try_from(event.clone()).map(Into::into),
            webhook::Event::try_from(event.clone()).map(Into::into),
            traffic::Event::try_from(event.clone()).map(Into::into),
            partner::Event::try_from(event.clone()).map(Into::into),
            reservation::Event::try_from(event.clone()).map(Into::into),
        ];
        assert_eq!(back.iter().filter(|result: &&Result<DomainEvent, DomainEvent>| result.is_ok()).count(), 1);
        assert!(back.iter().all(|result| matches!(result, Ok(same) | Err(same) if *same == event)));
    }
}

#[test]
fn no_example_in_the_log_shows_personal_data() {
    for entry in fs::read_dir(golden()).unwrap() {
        let path = entry.unwrap().path();
        assert!(!fs::read_to_string(&path).unwrap().contains(crate::personal::CLEAR_MARKER), "{}", path.display());
    }
}
