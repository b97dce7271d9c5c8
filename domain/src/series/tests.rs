use super::*;
use crate::{
    examples::{document, vendor_id},
    testing::{given, state_after},
};

fn issue(n: u128) -> Command {
    Command::Issue { kind: Kind::Invoice, document: Box::new(document(n)) }
}

fn issued(number: u64, n: u128) -> Event {
    Event::InvoiceIssued { number, document: Box::new(document(n)) }
}

#[test]
fn numbers_follow_each_other_and_the_same_is_numbered_once() {
    given::<Numbers>([]).when(issue(1)).then(issued(1, 1));
    given::<Numbers>([issued(1, 1)]).when(issue(2)).then(issued(2, 2));
    given::<Numbers>([issued(1, 1), issued(2, 2)]).when(issue(1)).then_nothing();
    let State { last, numbers } = state_after::<Numbers>((1..=50).map(|n| issued(n, u128::from(n))));
    assert_eq!((last, numbers.len()), (50, 50));
}

#[test]
fn invoices_and_credit_notes_are_numbered_apart() {
    assert_ne!(SeriesId::of(vendor_id(), Kind::Invoice), SeriesId::of(vendor_id(), Kind::CreditNote));
}
