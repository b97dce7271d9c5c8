use proptest::prelude::*;

use super::*;

#[test]
fn currencies_have_their_own_exponent() {
    for (code, exponent) in [("USD", 2), ("JPY", 0), ("KWD", 3)] {
        let currency: Currency = code.parse().unwrap();
        assert_eq!((currency.code(), currency.exponent(), currency.to_string()), (code, exponent, code.to_owned()));
    }
}

#[test]
fn what_is_no_currency_is_named() {
    for text in ["", "usd", "US", "DOLLAR", "ZZZ"] {
        assert_eq!(text.parse::<Currency>(), Err(UnknownCurrency(text.to_owned())));
    }
}

#[test]
fn money_is_an_amount_and_a_code() {
    let money = Money { amount: 4_900, currency: "USD".parse().unwrap() };
    let json = serde_json::json!({ "amount": 4_900, "currency": "USD" });
    assert_eq!(serde_json::to_value(money).unwrap(), json);
    assert_eq!(serde_json::from_value::<Money>(json).unwrap(), money);
    assert!(serde_json::from_str::<Money>(r#"{"amount":1.5,"currency":"USD"}"#).is_err());
    assert!(serde_json::from_str::<Money>(r#"{"amount":1,"currency":"usd"}"#).is_err());
}

#[test]
fn currencies_are_ordered_by_code() {
    let mut codes: Vec<Currency> = ["USD", "EUR", "JPY"].iter().map(|code| code.parse().unwrap()).collect();
    codes.sort_unstable();
    assert_eq!(codes.iter().map(|currency| currency.code()).collect::<Vec<_>>(), ["EUR", "JPY", "USD"]);
}

#[test]
fn a_share_is_rounded_half_away_from_zero() {
    let points = |points: u16| BasisPoints::try_from(points).unwrap();
    for (share, amount, expected) in [
        (1_500, 4_900, 735),
        (1_500, 3, 0),
        (5_000, 1, 1),
        (5_000, -1, -1),
        (4_999, 1, 0),
        (0, 1_000, 0),
        (10_000, i64::MAX, i64::MAX),
        (10_000, i64::MIN, i64::MIN),
    ] {
        assert_eq!(points(share).of(amount), expected, "{share} of {amount}");
    }
    assert!(BasisPoints::try_from(10_001).is_err());
    assert_eq!(u16::from(BasisPoints::DEFAULT_COMMISSION), 1_500);
    assert_eq!(BasisPoints::DEFAULT_COMMISSION.get(), 1_500);
}

proptest! {
    #[test]
    fn a_share_is_never_more_than_the_whole(points in 0_u16..=10_000, amount in 0_i64..) {
        let share = BasisPoints::try_from(points).unwrap().of(amount);
        prop_assert!((0..=amount).contains(&share));
    }
}
