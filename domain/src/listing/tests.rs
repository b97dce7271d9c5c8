use serde_json::json;

use super::*;
use crate::examples::{details, one_time, usd};

fn fields<T: std::fmt::Debug>(result: Result<T, InvalidFields>) -> Vec<String> {
    result.unwrap_err().0.into_iter().map(|invalid| invalid.field).collect()
}

fn with(change: impl FnOnce(&mut Details)) -> Details {
    let mut details = details();
    change(&mut details);
    details
}

#[test]
fn good_details_stay_as_they_are() {
    assert_eq!(details().checked(), Ok(details()));
    let sparse = with(|d| {
        (d.tags, d.media, d.requirements) = (vec![], vec![], vec![]);
        (d.complexity, d.setup_minutes) = (None, None);
        d.license = "NOASSERTION".to_owned();
    });
    assert_eq!(sparse.clone().checked(), Ok(sparse));
}

#[test]
fn every_bad_field_is_named_at_once() {
    let bad = with(|d| {
        d.display_name = " ".to_owned();
        d.summary = "two\nlines".to_owned();
        d.description = "\0".to_owned();
        d.category = "c".repeat(65);
        d.tags = vec!["fine".to_owned(), String::new()];
        d.license = "Apache 2.0".to_owned();
        d.media = vec![Media { url: "http://example.org/a.png".to_owned(), alt: "a\u{7}".to_owned() }];
        d.setup_minutes = Some(100_001);
        d.requirements = vec!["r".repeat(201)];
    });
    let expected = [
        "displayName",
        "summary",
        "description",
        "category",
        "tags[1]",
        "license",
        "media[0].url",
        "media[0].alt",
        "setupMinutes",
        "requirements[0]",
    ];
    assert_eq!(fields(bad.checked()), expected);
}

#[test]
fn lengths_count_characters_and_are_inclusive() {
    assert!(with(|d| d.display_name = "é".repeat(200)).checked().is_ok());
    assert_eq!(fields(with(|d| d.display_name = "é".repeat(201)).checked()), ["displayName"]);
    assert!(with(|d| d.description = "d\n".repeat(25_000)).checked().is_ok());
    assert_eq!(fields(with(|d| d.description = "d".repeat(50_001)).checked()), ["description"]);
}

#[test]
fn lists_have_an_end() {
    let many = |n: usize| (0..n).map(|n| n.to_string()).collect::<Vec<_>>();
    assert!(with(|d| (d.tags, d.requirements) = (many(20), many(50))).checked().is_ok());
    assert_eq!(fields(with(|d| d.tags = many(21)).checked()), ["tags"]);
    assert_eq!(fields(with(|d| d.requirements = many(51)).checked()), ["requirements"]);
    let media = vec![Media { url: "https://example.org".to_owned(), alt: String::new() }; 21];
    assert_eq!(fields(with(|d| d.media = media).checked()), ["media"]);
}

#[test]
fn details_fit_into_an_event() {
    // 50,000 characters, but four bytes each and escapes beside.
    let large = with(|d| {
        d.description = "𝔡".repeat(50_000);
        d.requirements = vec!["\u{10ffff}".repeat(200); 50];
    });
    assert_eq!(fields(large.checked()), ["description"]);
}

#[test]
fn repeated_tags_are_dropped_whatever_their_case() {
    let tags = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
    let checked = with(|d| d.tags = tags(&["Logs", "k8s", "logs", "LOGS"])).checked().unwrap();
    assert_eq!(checked.tags, tags(&["Logs", "k8s"]));
}

#[test]
fn licenses_are_spdx_expressions() {
    for fine in [
        "MIT",
        "Apache-2.0 OR MIT",
        "GPL-3.0-or-later WITH Classpath-exception-2.0",
        "(MIT AND BSD-3-Clause) OR ISC",
        "LicenseRef-Proprietary",
        "NOASSERTION",
        "GPL-2.0",
    ] {
        assert!(is_license(fine), "{fine}");
    }
    for refused in
        ["", " ", "mit license", "Apache 2.0", "MIT/Apache-2.0", "MIT OR", "Proprietary", "noassertion", "MIT\0"]
    {
        assert!(!is_license(refused), "{refused}");
    }
    assert!(!is_license(&["MIT"; 60].join(" OR ")));
}

#[test]
fn media_lie_at_https_addresses() {
    for fine in ["https://example.org", "https://example.org:8443/a.png?b=c#d", "https://xn--bcher-kva.example/%C3%A9"]
    {
        assert!(is_https(fine), "{fine}");
    }
    let long = format!("https://example.org/{}", "a".repeat(2_048));
    for refused in [
        "",
        "http://example.org",
        "HTTPS:example.org",
        "https://",
        "https:///a",
        "https://-",
        "https://a b.org",
        "https://user@example.org/",
        "https://example.org:99999/",
        "https://example.org/a b",
        "https://example.org/<a>",
        "https://example.org/\u{e9}",
        "https://ex\u{e4}mple.org",
        "javascript:alert(1)",
        "https://a\0",
        &long,
    ] {
        assert!(!is_https(refused), "{refused:?}");
    }
}

#[test]
fn prices_are_positive_and_have_an_end() {
    let yearly =
        |amount| Pricing::Subscription { amount, currency: usd(), interval: Interval::Yearly, trial_days: None };
    assert_eq!(Pricing::Free.checked(), Ok(Pricing::Free));
    for amount in [1, Pricing::MAX_AMOUNT] {
        assert_eq!(one_time(amount).checked(), Ok(one_time(amount)));
        assert_eq!(yearly(amount).checked(), Ok(yearly(amount)));
    }
    for amount in [i64::MIN, -1, 0, Pricing::MAX_AMOUNT + 1] {
        assert_eq!(fields(one_time(amount).checked()), ["pricing.amount"]);
        assert_eq!(fields(yearly(amount).checked()), ["pricing.amount"]);
    }
}

#[test]
fn terms_allow_at_least_something() {
    let terms = |max_devices, max_downloads| Terms { max_devices, max_downloads, ..Terms::default() };
    assert_eq!(Terms::default().checked(), Ok(Terms::default()));
    assert!(terms(Terms::MAX_DEVICES, Some(Terms::MAX_DOWNLOADS)).checked().is_ok());
    assert_eq!(fields(terms(0, Some(0)).checked()), ["terms.maxDevices", "terms.maxDownloads"]);
    assert_eq!(fields(terms(Terms::MAX_DEVICES + 1, None).checked()), ["terms.maxDevices"]);
    assert_eq!(fields(terms(1, Some(Terms::MAX_DOWNLOADS + 1)).checked()), ["terms.maxDownloads"]);
}

#[test]
fn listings_look_as_the_contract_says() {
    assert_eq!(serde_json::to_value(Pricing::Free).unwrap(), json!({ "model": "free" }));
    assert_eq!(
        serde_json::to_value(one_time(4_900)).unwrap(),
        json!({ "model": "one_time", "amount": 4_900, "currency": "USD" })
    );
    let monthly = json!({ "model": "subscription", "amount": 900, "currency": "USD", "interval": "monthly" });
    let pricing: Pricing = serde_json::from_value(monthly.clone()).unwrap();
    assert_eq!(serde_json::to_value(pricing).unwrap(), monthly);
    let misspelled = json!({ "model": "one_time", "amount": 1, "currency": "USD", "intervall": "monthly" });
    assert!(serde_json::from_value::<Pricing>(misspelled).is_err());
    assert!(
        serde_json::from_value::<Pricing>(json!({ "model": "one_time", "amount": 1, "currency": "XXXX" })).is_err()
    );

    let defaults = json!({
        "maxDevices": 3,
        "maxDownloads": null,
        "permissions": { "download": true, "commercialUse": true, "redistribution": false, "modification": false },
    });
    assert_eq!(serde_json::to_value(Terms::default()).unwrap(), defaults);
    assert_eq!(serde_json::from_value::<Terms>(json!({})).unwrap(), Terms::default());
    assert!(serde_json::from_value::<Terms>(json!({ "maxDevice": 3 })).is_err());
}
