use super::*;
use crate::examples::plugin_id;

#[test]
fn the_name_of_a_stream_reads_back() {
    for category in Category::ALL {
        let stream = StreamId::new(category, plugin_id().uuid());
        assert_eq!(stream.to_string(), format!("{}-00000000-0000-0000-0000-000000000003", category.as_str()));
        assert_eq!(stream.to_string().parse(), Ok(stream));
        let json = serde_json::to_value(stream).unwrap();
        assert_eq!(json, stream.to_string());
        assert_eq!(serde_json::from_value::<StreamId>(json).unwrap(), stream);
    }
}

#[test]
fn other_texts_name_no_stream() {
    for text in ["", "plugin", "plugin-", "plugin-1", "gadget-00000000-0000-0000-0000-000000000003", "$all"] {
        assert_eq!(text.parse::<StreamId>(), Err(InvalidStreamId(text.to_owned())));
        assert!(serde_json::from_value::<StreamId>(text.into()).is_err());
    }
}

#[test]
fn names_and_slugs_have_streams_of_their_own() {
    assert_eq!(StreamId::of_name("a"), StreamId::of_name("a"));
    assert_ne!(StreamId::of_name("a").uuid, StreamId::of_name("b").uuid);
    assert_ne!(StreamId::of_name("a").uuid, StreamId::of_slug("a").uuid);
    assert_eq!(StreamId::of_slug("a").category, Category::Slug);
    assert_eq!(StreamId::of(Category::Plugin, plugin_id()), StreamId::new(Category::Plugin, plugin_id().uuid()));
}
