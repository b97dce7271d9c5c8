use super::*;
use crate::{
    examples::{id, partner_registered, plugin_id, scopes, vendor_id},
    testing::given,
};

fn issue(n: u128) -> Command {
    Command::IssueKey { key: id(n), label: "mirror 1".to_owned() }
}

fn issued(n: u128) -> Event {
    Event::KeyIssued { key_id: id(n), label: "mirror 1".to_owned() }
}

fn set(types: &[&str]) -> Scopes {
    Scopes { types: types.iter().map(|text| (*text).to_owned()).collect(), ..Scopes::default() }
}

#[test]
fn a_partner_is_registered_once() {
    let register =
        || Command::Register { id: id(13), name: "Mirrors".to_owned(), scopes: scopes(), quotas: Quotas::default() };
    given::<Partners>([]).when(register()).then(partner_registered());
    given::<Partners>([partner_registered()]).when(register()).then_refused(Error::AlreadyRegistered);
    given::<Partners>([]).when(Command::Reinstate).then_refused(Error::NotRegistered);
}

#[test]
fn what_already_holds_is_no_event() {
    let quotas = Quotas::default();
    let given = || given::<Partners>([partner_registered()]);
    given().when(Command::SetScopes { scopes: scopes(), quotas }).then_nothing();
    given().when(Command::Reinstate).then_nothing();
    let other = set(&["*"]);
    given().when(Command::SetScopes { scopes: other.clone(), quotas }).then(Event::ScopesSet { scopes: other, quotas });
    let reason = || "late".to_owned();
    given().when(Command::Suspend { reason: reason() }).then(Event::Suspended { reason: reason() });
}

#[test]
fn keys_are_counted_and_end() {
    let many = (0..10).map(|n| issued(100 + n));
    let events = || std::iter::once(partner_registered()).chain(many.clone());
    given::<Partners>(events()).when(issue(200)).then_refused(Error::TooManyKeys(10));
    given::<Partners>(events()).when(issue(100)).then_nothing();
    let revoke = |n| Command::RevokeKey { key: id(n) };
    given::<Partners>(events()).when(revoke(100)).then(Event::KeyRevoked { key_id: id(100) });
    given::<Partners>(events()).when(revoke(200)).then_refused(Error::UnknownKey);
    let one_less = events().chain([Event::KeyRevoked { key_id: id(100) }]);
    given::<Partners>(one_less).when(issue(200)).then(issued(200));
}

#[test]
fn scopes_say_which_types_and_whose() {
    let types = set(&["plugin.*", "review.submitted"]);
    for (name, seen) in
        [("plugin.created", true), ("review.submitted", true), ("review.edited", false), ("pluginx.created", false)]
    {
        assert_eq!(types.has_type(name), seen, "{name}");
    }
    assert!(set(&["*"]).has_type("anything.at_all") && !set(&[]).has_type("plugin.created"));
    assert!(!set(&["plugin*"]).has_type("plugin.created"), "a star stands behind a dot");
    assert!(types.has(None, None), "without a list everything");
    let whose = Scopes { vendors: [vendor_id()].into(), plugins: [plugin_id()].into(), ..types };
    assert!(whose.has(None, Some(vendor_id())) && whose.has(Some(plugin_id()), None));
    assert!(!whose.has(Some(id(99)), Some(id(98))) && !whose.has(None, None));
}
