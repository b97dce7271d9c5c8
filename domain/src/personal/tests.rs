use serde_json::json;

use super::*;
use crate::examples::{personal, user_id};

#[test]
fn each_state_reads_back_under_its_marker() {
    let sealed = json!({ SEALED_MARKER: 1, "kid": "k", "n": "n", "ct": "c", "kc": "kc" });
    for (value, json) in [
        (personal("Ada"), json!({ CLEAR_MARKER: { "subject": user_id(), "text": "Ada" } })),
        (Personal::Sealed(sealed.clone()), sealed),
        (Personal::Erased, json!({ ERASED_MARKER: true })),
    ] {
        assert_eq!(serde_json::to_value(&value).unwrap(), json);
        assert_eq!(serde_json::from_value::<Personal>(json).unwrap(), value);
    }
}

#[test]
fn what_carries_no_marker_is_refused() {
    for json in [json!("Ada"), json!({}), json!({ "text": "Ada" }), json!({ CLEAR_MARKER: "Ada" })] {
        assert!(serde_json::from_value::<Personal>(json).is_err());
    }
}

#[test]
fn only_a_clear_text_can_be_read_and_none_is_shown() {
    assert_eq!(personal("Ada").text(), Some("Ada"));
    assert_eq!(Personal::Erased.text(), None);
    assert_eq!(Personal::Sealed(json!({})).text(), None);
    for (value, shown) in
        [(personal("Ada"), "[personal]"), (Personal::Erased, "[erased]"), (Personal::Sealed(json!({})), "[sealed]")]
    {
        assert_eq!(format!("{value:?}"), shown);
    }
}
