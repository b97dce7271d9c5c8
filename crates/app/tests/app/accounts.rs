//! Accounts and vendors.

use std::sync::atomic::Ordering;

use souk_app::{
    AppError,
    users::{self, Profile, Register, Who},
    vendors::{self, RegisterVendor},
};
use souk_domain::{listing::Pricing, user::Role};
use souk_ports::store::Credentials;

use crate::support::{World, reason};

const CANARY: &str = "canary@secret.example";

fn register(email: &str, password: &str) -> Register {
    Register { email: email.into(), password: password.into(), display_name: "Canary Bird".into() }
}

fn vendor(slug: &str) -> RegisterVendor {
    RegisterVendor { name: "A vendor".into(), slug: slug.into(), owner: None }
}

#[tokio::test]
async fn an_account_opens_signs_in_and_shows_itself() {
    let world = World::new();
    let app = world.app();
    let done = users::register(&app, &world.anonymous(), register(CANARY, "correct horse")).await.unwrap();
    assert!(done.changed);
    let expected = Profile {
        id: done.value.id,
        email: Some(CANARY.into()),
        display_name: Some("Canary Bird".into()),
        roles: [Role::Customer].into(),
    };
    assert_eq!(done.value, expected);
    // Another process reads what is sealed in the log.
    assert_eq!(users::profile(&world.app(), done.value.id).await.unwrap(), expected);
    let signed_in = users::authenticate(&app, " Canary@Secret.example ", "correct horse").await.unwrap();
    assert_eq!(signed_in, expected);
    for (email, password) in [(CANARY, "wrong horse"), ("nobody@x.example", "correct horse"), ("nonsense", "x")] {
        let refused = users::authenticate(&app, email, password).await.unwrap_err();
        assert_eq!(refused, AppError::Unauthorized("e-mail address or password is wrong"));
    }
}

#[tokio::test]
async fn no_personal_text_reaches_the_log_or_a_debug_print() {
    let world = World::new();
    let app = world.app();
    let input = register(CANARY, "correct horse");
    let printed = format!("{input:?} {:?}", Who::Email(CANARY.into()));
    let done = users::register(&app, &world.anonymous(), input).await.unwrap();
    let printed = format!("{printed} {done:?}");
    for text in ["canary", "Canary", "correct horse"] {
        assert!(!printed.contains(text), "{printed}");
        for event in world.memory.events() {
            for bytes in [&event.data, &event.metadata] {
                assert!(!String::from_utf8_lossy(bytes).contains(text), "{}", event.event_type);
            }
            assert!(!event.stream.to_string().contains(text));
        }
    }
}

#[tokio::test]
async fn an_address_opens_one_account_in_any_case() {
    let world = World::new();
    let app = world.app();
    users::register(&app, &world.anonymous(), register(CANARY, "correct horse")).await.unwrap();
    let taken = users::register(&app, &world.anonymous(), register("CANARY@secret.example", "battery staple")).await;
    assert_eq!(reason(&taken.unwrap_err()), "email_taken");
    assert_eq!(world.count("user.registered"), 1);
}

#[tokio::test]
async fn a_repeated_registration_needs_the_password_and_never_changes_it() {
    let world = World::new();
    let app = world.app();
    let ctx = world.anonymous();
    let first = users::register(&app, &ctx, register(CANARY, "correct horse")).await.unwrap();
    let again = users::register(&app, &ctx, register(CANARY, "correct horse")).await.unwrap();
    assert_eq!((again.value.id, again.position), (first.value.id, first.position));
    let thief = users::register(&app, &ctx, register(CANARY, "battery staple")).await.unwrap_err();
    assert_eq!(reason(&thief), "email_taken");
    users::authenticate(&app, CANARY, "correct horse").await.unwrap();
    // The same key with another address is another account.
    let other = users::register(&app, &ctx, register("other@secret.example", "battery staple")).await.unwrap();
    assert_ne!(other.value.id, first.value.id);
    users::authenticate(&app, CANARY, "correct horse").await.unwrap();
}

#[tokio::test]
async fn all_that_is_wrong_with_a_registration_is_said_at_once() {
    let world = World::new();
    let input = Register { email: "no".into(), password: "short".into(), display_name: "a\0b".into() };
    let Err(AppError::Invalid(fields)) = users::register(&world.app(), &world.anonymous(), input).await else {
        panic!("it was taken")
    };
    let fields: Vec<_> = fields.0.iter().map(|field| field.field.as_str()).collect();
    assert_eq!(fields, ["email", "password", "displayName"]);
    assert!(world.types().is_empty());
}

#[tokio::test]
async fn roles_are_given_and_taken_by_admins_only() {
    let world = World::new();
    let app = world.app();
    let user = world.user(&app, "ann").await;
    let (by_id, by_email) = (Who::Id(user), Who::Email("ann@people.example".into()));
    for ctx in [world.as_user(user), world.as_role(user, Role::Moderator)] {
        let refused = users::grant_role(&app, &ctx, &by_id, Role::Admin).await.unwrap_err();
        assert_eq!(refused.code(), "forbidden");
    }
    let refused = users::grant_role(&app, &world.anonymous(), &by_id, Role::Admin).await.unwrap_err();
    assert_eq!(refused.code(), "unauthorized");
    users::grant_role(&app, &world.operator(), &by_email, Role::Moderator).await.unwrap();
    assert_eq!(users::roles(&app, user).await.unwrap(), [Role::Customer, Role::Moderator].into());

    let elsewhere = world.app();
    users::grant_role(&elsewhere, &world.operator(), &by_id, Role::Vendor).await.unwrap();
    let all = [Role::Customer, Role::Moderator, Role::Vendor].into();
    assert_eq!(users::roles(&app, user).await.unwrap(), all, "another process gave one just now");
    users::revoke_role(&elsewhere, &world.operator(), &by_id, Role::Vendor).await.unwrap();
    users::revoke_role(&app, &world.as_role(user, Role::Admin), &by_id, Role::Moderator).await.unwrap();
    let kept = users::revoke_role(&app, &world.operator(), &by_id, Role::Customer).await.unwrap_err();
    assert_eq!(reason(&kept), "role_not_revocable");
    let nobody = Who::Email("nobody@people.example".into());
    assert_eq!(users::find(&app, &nobody).await.unwrap_err().code(), "not_found");
}

#[tokio::test]
async fn api_keys_open_until_they_are_revoked() {
    let world = World::new();
    let app = world.app();
    let user = world.user(&app, "ann").await;
    let hash = [7; 32];
    let key = users::issue_api_key(&app, &world.as_user(user), "laptop", hash).await.unwrap().value;
    assert_eq!(world.credentials.api_key(hash).await.unwrap(), Some((user, key)));
    assert_eq!(users::api_keys(&app, &world.as_user(user)).await.unwrap()[&key].as_deref(), Some("laptop"));
    users::revoke_api_key(&app, &world.as_user(user), key).await.unwrap();
    assert_eq!(world.credentials.api_key(hash).await.unwrap(), None);
    let unknown = users::revoke_api_key(&app, &world.as_user(user), key).await.unwrap_err();
    assert_eq!(unknown.code(), "not_found");
}

#[tokio::test]
async fn a_vendor_belongs_to_who_registers_it() {
    let world = World::new();
    let app = world.app();
    let (ann, bob) = (world.user(&app, "ann").await, world.user(&app, "bob").await);
    let acme = vendors::register(&app, &world.as_user(ann), vendor("acme")).await.unwrap();
    assert_eq!(users::roles(&app, ann).await.unwrap(), [Role::Customer, Role::Vendor].into());
    assert_eq!(acme.position, world.memory.events().len() as u64);
    let taken = vendors::register(&app, &world.as_user(bob), vendor("acme")).await.unwrap_err();
    assert_eq!(reason(&taken), "slug_taken");
    assert_eq!(vendors::by_slug(&app, "acme").await.unwrap(), acme.value.id);
    assert_eq!(vendors::owned_by(&app, bob).await.unwrap().len(), 0);
    let refused = vendors::require_owner(&app, &world.as_user(bob), acme.value.id).await.unwrap_err();
    assert_eq!(refused.code(), "forbidden");
    let refused = vendors::verify(&app, &world.as_user(ann), acme.value.id).await.unwrap_err();
    assert_eq!(refused.code(), "forbidden");
    let for_bob = RegisterVendor { owner: Some(bob), ..vendor("bobs") };
    let refused = vendors::register(&app, &world.as_user(ann), for_bob.clone()).await.unwrap_err();
    assert_eq!(refused.code(), "forbidden");
    assert_eq!(vendors::register(&app, &world.operator(), for_bob).await.unwrap().value.owner, bob);
}

#[tokio::test]
async fn a_plugin_without_a_vendor_named_goes_to_the_only_one() {
    let world = World::new();
    let app = world.app();
    let owner = world.user(&app, "ann").await;
    let none = world.create(&app, owner, "tool", Pricing::Free).await.unwrap_err();
    assert_eq!(none.code(), "forbidden");
    let acme = vendors::register(&app, &world.as_user(owner), vendor("acme")).await.unwrap().value;
    // A read model that is behind is waited for before anyone is refused.
    world.directory.lags.store(true, Ordering::SeqCst);
    assert_eq!(world.create(&app, owner, "tool", Pricing::Free).await.unwrap().value.vendor, acme.id);
    vendors::register(&app, &world.as_user(owner), vendor("second")).await.unwrap();
    let several = world.create(&app, owner, "tool-2", Pricing::Free).await.unwrap_err();
    assert_eq!(several.code(), "validation_failed");
}
