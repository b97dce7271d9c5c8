use super::*;
use crate::examples::{order_id, plugin_id, user_id, version};

#[test]
fn parts_do_not_run_into_each_other() {
    assert_ne!(derive(&["ab", "c"]), derive(&["a", "bc"]));
    assert_ne!(derive(&["a"]), derive(&["a", ""]));
    assert_eq!(derive(&["a", "b"]), derive(&["a", "b"]));
}

#[test]
fn derived_ids_never_change() {
    // Streams are stored under them.
    assert_eq!(derive(&["installation", "a", "b"]).to_string(), "dfd1be7b-7aaa-5ea5-bb7f-28972ce3bb3b");
    assert_ne!(InstallationId::of(user_id(), plugin_id()).uuid(), ReviewId::of(user_id(), plugin_id()).uuid());
    assert_ne!(
        ValidationId::of(plugin_id(), &version("1.0.0")),
        ValidationId::of(plugin_id(), &version("1.0.0+build"))
    );
    assert_ne!(LicenseId::of(order_id()).uuid(), order_id().uuid());
}

#[test]
fn an_id_reads_and_looks_like_its_uuid() {
    let text = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    let id: UserId = text.parse().unwrap();
    assert_eq!((id.to_string(), format!("{id:?}")), (text.to_owned(), text.to_owned()));
    assert_eq!(serde_json::to_value(id).unwrap(), text);
    assert_eq!(serde_json::from_value::<UserId>(text.into()).unwrap(), id);
    assert_eq!(UserId::from(id.uuid()), id);
    assert!("67e55044".parse::<UserId>().is_err());
    assert!(user_id() < id);
    assert_eq!(std::collections::HashSet::from([id, id]).len(), 1);
}
