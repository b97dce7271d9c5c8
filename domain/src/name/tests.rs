use proptest::prelude::*;

use super::*;

fn problem<T>(result: Result<T, InvalidFields>, field: &str) -> String {
    let Err(InvalidFields(fields)) = result else { panic!("accepted") };
    let [Invalid { field: named, problem }] = fields.as_slice() else { panic!("{fields:?}") };
    assert_eq!(named, field);
    problem.clone()
}

#[test]
fn spellings_of_one_plugin_name_share_a_key() {
    for spelling in ["log-reader", "log_reader", "log.reader", "Log-Reader", "LOG_READER", "Log.reader"] {
        let name = PluginName::parse(spelling).unwrap();
        assert_eq!(name.key(), "log-reader");
        assert_eq!(name.as_str(), spelling);
    }
    assert_ne!(PluginName::parse("log--reader").unwrap().key(), "log-reader");
}

#[test]
fn plugin_names_have_2_to_150_characters() {
    assert!(PluginName::parse("a1").is_ok());
    assert!(PluginName::parse(&"a".repeat(150)).is_ok());
    for refused in ["", "a", &"a".repeat(151)] {
        assert_eq!(problem(PluginName::parse(refused), "name"), "must have 2 to 150 characters");
    }
}

#[test]
fn plugin_names_consist_of_ascii_letters_digits_and_three_signs() {
    for refused in ["log reader", "log/reader", "lög", "a\0b", "log\n", "аbc", "../etc", "a%b", "a@b"] {
        assert!(problem(PluginName::parse(refused), "name").contains("letters"), "{refused}");
    }
    for refused in ["..", "--", "._-"] {
        assert!(problem(PluginName::parse(refused), "name").contains("a letter or digit"), "{refused}");
    }
    for signs in ["-log", "log-", ".log", "log.", "_log_", "1."] {
        assert!(PluginName::parse(signs).is_ok(), "{signs}");
    }
}

#[test]
fn a_plugin_name_is_no_uuid_in_any_spelling() {
    for refused in [
        "67e55044-10b1-426f-9247-bb680e5fe0c8",
        "67E55044-10B1-426F-9247-BB680E5FE0C8",
        "67e55044_10b1_426f.9247.bb680e5fe0c8",
        "67e5504410b1426f9247bb680e5fe0c8",
    ] {
        assert_eq!(problem(PluginName::parse(refused), "name"), "must not be a UUID");
    }
    assert!(PluginName::parse("67e55044-10b1-426f-9247-bb680e5fe0c").is_ok());
}

#[test]
fn slugs_have_one_spelling() {
    for slug in ["engines", "a1", "a-1-b", &"a".repeat(64)] {
        let parsed = Slug::parse(slug).unwrap();
        assert_eq!((parsed.as_str(), parsed.key()), (slug, slug));
    }
    assert_eq!(problem(Slug::parse("a"), "slug"), "must have 2 to 64 characters");
    assert_eq!(problem(Slug::parse(&"a".repeat(65)), "slug"), "must have 2 to 64 characters");
    for refused in ["Engines", "en_gines", "en.gines", "é1", "a b"] {
        assert!(problem(Slug::parse(refused), "slug").contains("letters"), "{refused}");
    }
    for refused in ["-engines", "engines-"] {
        assert!(problem(Slug::parse(refused), "slug").contains("begin and end"), "{refused}");
    }
    assert_eq!(problem(Slug::parse("67e55044-10b1-426f-9247-bb680e5fe0c8"), "slug"), "must not be a UUID");
}

#[test]
fn addresses_are_compared_trimmed_and_in_lower_case() {
    let address = EmailAddress::parse("  Ada.Lovelace+souk@Example.ORG\n").unwrap();
    assert_eq!(address.as_str(), "Ada.Lovelace+souk@Example.ORG");
    assert_eq!(address.normalized(), "ada.lovelace+souk@example.org");
    assert_eq!(format!("{address:?}"), "[e-mail address]");
}

#[test]
fn an_address_could_exist() {
    for fine in ["a@b.co", "ünï@bücher.example", "o'neil@sub.example.org"] {
        assert!(EmailAddress::parse(fine).is_ok(), "{fine}");
    }
    let long_local = format!("{}@example.org", "a".repeat(65));
    for refused in [
        "",
        "a",
        "@",
        "a@",
        "@example.org",
        "a@b@example.org",
        "a@localhost",
        "a@.org",
        "a@example.",
        "a@-b.org",
        "a@b-.org",
        "a@exa_mple.org",
        &long_local,
    ] {
        assert_eq!(problem(EmailAddress::parse(refused), "email"), "must be an e-mail address", "{refused}");
    }
    for refused in ["a b@example.org", "a@exam\tple.org", "a\0@example.org"] {
        assert!(problem(EmailAddress::parse(refused), "email").contains("blanks"), "{refused:?}");
    }
    let long = format!("a@{}.org", "b".repeat(250));
    assert_eq!(problem(EmailAddress::parse(&long), "email"), "must have at most 254 bytes");
}

#[test]
fn machines_are_named_in_one_line_of_at_most_255_characters() {
    assert_eq!(Fingerprint::parse("machine-1").unwrap().as_str(), "machine-1");
    assert_eq!(ActivationLabel::parse("My desk").unwrap().as_str(), "My desk");
    for refused in ["", " ", "a\0", "a\nb", &"a".repeat(256)] {
        problem(Fingerprint::parse(refused), "fingerprint");
        problem(ActivationLabel::parse(refused), "label");
    }
}

proptest! {
    #[test]
    fn a_key_is_a_name_with_the_same_key(text in "[A-Za-z0-9._-]{0,40}") {
        if let Ok(name) = PluginName::parse(&text) {
            let key = name.key();
            let again = PluginName::parse(&key);
            prop_assert_eq!(again.map(|name| name.key()), Ok(key));
        }
    }

    #[test]
    fn no_text_makes_a_check_fail_otherwise_than_by_refusing(text in ".*") {
        let _ = PluginName::parse(&text);
        let _ = Slug::parse(&text);
        let _ = EmailAddress::parse(&text);
        let _ = Fingerprint::parse(&text);
    }
}
