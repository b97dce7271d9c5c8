//! Amounts as gateways count them.
//!
//! Souk counts minor units as ISO 4217 has them. Both gateways do too, with exceptions:
//!
//! - Stripe (its page "Supported currencies", sections on zero-decimal and three-decimal currencies and on special cases) counts whole
//!   units of a list of currencies, of which ISO gives the ariary (MGA) two digits. It counts hundredths of the króna (ISK) and the
//!   Ugandan shilling (UGX), which have none any more, and takes whole units of them only. Of three digits the last must be 0. Its other
//!   exceptions are of payouts, which Souk does not ask for.
//! - Razorpay (its page "Orders entity", field `amount`) also wants the last of three digits to be 0.
//!
//! What cannot be said exactly is refused and never rounded: a payment of another amount would not match its order.

use souk_domain::money::{Currency, Money};
use souk_ports::payment::GatewayError;

use crate::http::refused;

/// Those of which Stripe counts whole units. UGX is on its list as well, but counts as a special case.
const STRIPE_WHOLE: [&str; 15] =
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"];
/// Those that Stripe counts in hundredths although they have none.
const STRIPE_HUNDREDTHS: [&str; 2] = ["ISK", "UGX"];

/// How many digits Stripe's minor unit has.
fn stripe_digits(currency: Currency) -> u16 {
    let code = currency.code();
    if STRIPE_WHOLE.contains(&code) {
        0
    } else if STRIPE_HUNDREDTHS.contains(&code) {
        2
    } else {
        currency.exponent()
    }
}

/// The step of amounts, in the gateway's minor units.
fn step(currency: Currency) -> i64 {
    if currency.exponent() == 3 { 10 } else { 1 }
}

/// What one of Souk's minor units is in Stripe's, as a fraction.
fn stripe_ratio(currency: Currency) -> (i64, i64) {
    let (souk, stripe) = (currency.exponent(), stripe_digits(currency));
    let ten = |digits: u16| 10_i64.pow(u32::from(digits));
    (ten(stripe.saturating_sub(souk)), ten(souk.saturating_sub(stripe)))
}

fn exactly(amount: i64, (times, by): (i64, i64)) -> Option<i64> {
    amount.checked_mul(times).filter(|product| product % by == 0).map(|product| product / by)
}

/// An amount in Stripe's minor units.
///
/// # Errors
/// [`GatewayError::Refused`] when Stripe cannot say it.
pub fn to_stripe(money: Money) -> Result<i64, GatewayError> {
    let amount = exactly(money.amount, stripe_ratio(money.currency));
    amount.filter(|amount| amount % step(money.currency) == 0).ok_or_else(|| unspeakable(money))
}

/// A part of an amount in Stripe's minor units, rounded down to what Stripe can say: what is left over goes to the vendor.
pub fn part_to_stripe(part: i64, currency: Currency) -> i64 {
    let (times, by) = stripe_ratio(currency);
    let part = part.saturating_mul(times) / by;
    part - part % step(currency)
}

/// What Stripe means by `amount` of `currency`, a code in lower case.
///
/// # Errors
/// Nobody knows the currency, or Souk cannot say the amount.
pub fn from_stripe(amount: i64, currency: &str) -> Result<Money, String> {
    let currency = known(currency)?;
    let (times, by) = stripe_ratio(currency);
    let amount = exactly(amount, (by, times)).ok_or_else(|| format!("{amount} are no whole units of {currency}"))?;
    Ok(Money { amount, currency })
}

/// An amount in Razorpay's minor units.
///
/// # Errors
/// [`GatewayError::Refused`] when Razorpay cannot say it.
pub fn to_razorpay(money: Money) -> Result<i64, GatewayError> {
    if money.amount % step(money.currency) == 0 { Ok(money.amount) } else { Err(unspeakable(money)) }
}

/// What Razorpay means by `amount` of `currency`, a code in upper case.
///
/// # Errors
/// Nobody knows the currency.
pub fn from_razorpay(amount: i64, currency: &str) -> Result<Money, String> {
    Ok(Money { amount, currency: known(currency)? })
}

fn known(currency: &str) -> Result<Currency, String> {
    currency.to_ascii_uppercase().parse().map_err(|_| format!("`{currency}` is no currency"))
}

fn unspeakable(money: Money) -> GatewayError {
    let message = format!("{} minor units of {} are no amount that this gateway takes", money.amount, money.currency);
    refused("amount_not_representable", &message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(amount: i64, currency: &str) -> Money {
        Money { amount, currency: currency.parse().unwrap() }
    }

    #[test]
    fn stripe_counts_some_currencies_its_own_way() {
        for (souk, currency, stripe) in [
            (1_999, "USD", 1_999),
            (1_999, "EUR", 1_999),
            (500, "JPY", 500),
            (500, "XOF", 500),
            (500, "CLP", 500),
            // Two decimals that are always zero.
            (5, "ISK", 500),
            (37, "UGX", 3_700),
            // ISO gives it two digits, Stripe none.
            (12_300, "MGA", 123),
            // Whole units only in payouts.
            (1_045, "HUF", 1_045),
            (80_045, "TWD", 80_045),
            (5_120, "KWD", 5_120),
            (-250, "USD", -250),
        ] {
            assert_eq!(to_stripe(money(souk, currency)), Ok(stripe), "{currency}");
            assert_eq!(from_stripe(stripe, &currency.to_lowercase()), Ok(money(souk, currency)), "{currency}");
        }
    }

    #[test]
    fn what_a_gateway_cannot_say_is_refused() {
        for (amount, currency) in [(5_124, "KWD"), (1, "BHD"), (12_345, "MGA"), (i64::MAX, "ISK"), (7, "TND")] {
            let refused = to_stripe(money(amount, currency)).unwrap_err();
            assert!(
                matches!(refused, GatewayError::Refused { code, .. } if code == "amount_not_representable"),
                "{currency}"
            );
        }
        to_razorpay(money(295_991, "KWD")).unwrap_err();
        assert_eq!(to_razorpay(money(295_990, "KWD")), Ok(295_990));
        assert_eq!(to_razorpay(money(295, "JPY")), Ok(295));
        assert_eq!(to_razorpay(money(29_901, "INR")), Ok(29_901));
    }

    #[test]
    fn what_souk_cannot_say_is_an_error() {
        from_stripe(550, "isk").unwrap_err();
        from_stripe(i64::MAX, "mga").unwrap_err();
        assert_eq!(from_stripe(1, "zzz"), Err("`zzz` is no currency".to_owned()));
        assert_eq!(from_stripe(1, ""), Err("`` is no currency".to_owned()));
        from_razorpay(1, "RUPEES").unwrap_err();
    }

    #[test]
    fn parts_are_rounded_down() {
        let part = |amount, currency: &str| part_to_stripe(amount, currency.parse().unwrap());
        assert_eq!(part(299, "USD"), 299);
        assert_eq!(part(1_845, "MGA"), 18);
        assert_eq!(part(768, "KWD"), 760);
        assert_eq!(part(3, "ISK"), 300);
    }
}
