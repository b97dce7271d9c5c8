//! Whom an event concerns by itself, and what they are told.

use serde_json::{Value, json};
use souk_domain::{
    event::DomainEvent,
    id::{OrderId, PluginId, UserId, VendorId},
    license::{self, Licenses, Status},
    money::Currency,
    order::{self, Orders},
    plugin::{self, Plugins},
    review,
    subscription::{self, Standing, Subscriptions},
    user::{self, Role, Users},
    validation::{self, Validations},
    vendor,
};
use souk_ports::notice::Kind;

use crate::{App, AppError, licenses, notices::Told, orders, plugins, reactions::Cause, vendors};

/// Types of events that concern somebody by themselves.
pub(super) const TYPES: &[&str] = &[
    "license.expired",
    "license.reinstated",
    "license.revoked",
    "license.suspended",
    "payment.completed",
    "payment.dispute_lost",
    "payment.dispute_won",
    "payment.disputed",
    "payment.refund_failed",
    "payment.refunded",
    "plugin.reinstated",
    "plugin.suspended",
    "plugin.version_approved",
    "plugin.version_rejected",
    "review.replied",
    "review.submitted",
    "subscription.canceled",
    "subscription.lapsed",
    "subscription.past_due",
    "subscription.renewed",
    "subscription.started",
    "user.api_key_issued",
    "user.api_key_revoked",
    "user.role_granted",
    "user.role_revoked",
    "validation.escalated",
    "vendor.payout_failed",
    "vendor.payout_paid",
    "vendor.payout_requested",
    "vendor.suspended",
    "vendor.verified",
];

/// Who is told of `cause` and what, if anybody.
pub(super) async fn told(app: &App, cause: &Cause<'_>) -> Result<Option<Told>, AppError> {
    let told = match &cause.event {
        DomainEvent::Order(event) => of_order(app, cause, event).await?,
        DomainEvent::Subscription(event) => of_subscription(app, cause, event).await?,
        DomainEvent::License(event) => of_license(app, cause, event).await?,
        DomainEvent::Review(event) => of_review(app, cause, event).await?,
        DomainEvent::Plugin(event) => of_plugin(app, cause, event).await?,
        DomainEvent::Validation(event) => of_validation(app, cause, event).await?,
        DomainEvent::Vendor(event) => of_vendor(app, cause, event).await?,
        DomainEvent::User(event) => of_user(cause, event),
        _ => None,
    };
    match told {
        Some(told) if is_there(app, told.user).await? => Ok(Some(told)),
        _ => Ok(None),
    }
}

/// Whether there is such a person, and not erased.
async fn is_there(app: &App, user: UserId) -> Result<bool, AppError> {
    let fact = app.fact::<Users>(user.uuid(), app.settings.fact_age).await?;
    Ok(matches!(&*fact.state, user::State::Registered(user) if user.erasing.is_none() && user.email.text().is_some()))
}

/// A plugin as notices show it, and whose it is.
pub(super) struct Shown {
    pub vendor: VendorId,
    pub details: Value,
}

pub(super) async fn plugin(app: &App, id: PluginId) -> Result<Shown, AppError> {
    let fact = app.fact::<Plugins>(id.uuid(), app.settings.fact_age).await?;
    let plugin = plugins::created(&fact.state)?;
    let details = json!({ "id": plugin.id, "name": plugin.name, "title": plugin.details.display_name });
    Ok(Shown { vendor: plugin.vendor, details })
}

/// A vendor as notices show it, and who acts for it.
async fn vendor(app: &App, id: VendorId) -> Result<(UserId, Value), AppError> {
    let vendor = vendors::get(app, id).await?.value;
    Ok((vendor.owner, json!({ "id": vendor.id, "name": vendor.name })))
}

fn money(amount: i64, currency: Currency) -> Value {
    json!({ "amount": amount, "currency": currency })
}

#[allow(clippy::unnecessary_wraps, reason = "it ends a function that may tell nobody")]
fn tells(user: UserId, kind: Kind, details: Value) -> Result<Option<Told>, AppError> {
    Ok(Some(Told { user, kind, details }))
}

async fn of_order(app: &App, cause: &Cause<'_>, event: &order::Event) -> Result<Option<Told>, AppError> {
    use order::Event;
    let (kind, amount, currency) = match event {
        Event::PaymentCompleted { amount, currency, .. } => (Kind::OrderPaid, *amount, *currency),
        Event::PaymentRefunded { amount, currency, .. } => (Kind::OrderRefunded, *amount, *currency),
        Event::RefundFailed { amount, currency, .. } => (Kind::RefundFailed, *amount, *currency),
        Event::Disputed { amount, currency, .. } => (Kind::DisputeOpened, *amount, *currency),
        Event::DisputeWon { amount, currency, .. } => (Kind::DisputeWon, *amount, *currency),
        Event::DisputeLost { amount, currency, .. } => (Kind::DisputeLost, *amount, *currency),
        _ => return Ok(None),
    };
    let id = OrderId::new(cause.recorded.stream.uuid);
    let fact = app.fact::<Orders>(id.uuid(), app.settings.fact_age).await?;
    let order = orders::placed(&fact.state)?;
    let shown = plugin(app, order.plugin).await?;
    let mut details = json!({ "plugin": shown.details, "orderId": id, "money": money(amount, currency) });
    if let Event::PaymentRefunded { full, .. } = event {
        details["full"] = (*full).into();
    }
    if matches!(kind, Kind::DisputeOpened | Kind::DisputeWon | Kind::DisputeLost) {
        let (owner, vendor) = vendor(app, order.vendor).await?;
        details["vendor"] = vendor;
        return tells(owner, kind, details);
    }
    tells(order.buyer, kind, details)
}

async fn of_subscription(app: &App, cause: &Cause<'_>, event: &subscription::Event) -> Result<Option<Told>, AppError> {
    use subscription::Event;
    let id = cause.recorded.stream.uuid;
    let fact = app.fact::<Subscriptions>(id, app.settings.fact_age).await?;
    let subscription::State::Started(subscription) = &*fact.state else { return Ok(None) };
    let (kind, until) = match event {
        Event::Started { trial: true, period_end, .. } => (Kind::TrialStarted, Some(*period_end)),
        Event::Renewed { previous_period_end, period_end, standing: Standing::Active, .. }
            if subscription.trial_end == Some(*previous_period_end) =>
        {
            (Kind::TrialEnded, Some(*period_end))
        }
        Event::PastDue { .. } => (Kind::SubscriptionPastDue, None),
        Event::Canceled { ends_at, .. } => (Kind::SubscriptionCanceled, Some(*ends_at)),
        Event::Lapsed { .. } => (Kind::SubscriptionLapsed, None),
        _ => return Ok(None),
    };
    let shown = plugin(app, subscription.contract.plugin_id).await?;
    let mut details = json!({ "plugin": shown.details, "subscriptionId": id });
    if let Some(until) = until {
        details["until"] = json!(until);
    }
    tells(subscription.contract.buyer_id, kind, details)
}

async fn of_license(app: &App, cause: &Cause<'_>, event: &license::Event) -> Result<Option<Told>, AppError> {
    use license::Event;
    let fact = app.fact::<Licenses>(cause.recorded.stream.uuid, app.settings.fact_age).await?;
    let license = licenses::issued(&fact.state)?;
    let kind = match event {
        // What else holds it counts more, and was told.
        Event::Suspended { status: Status::Suspended, .. } => Kind::LicenseSuspended,
        Event::Reinstated { status: Status::Active, .. } => Kind::LicenseReinstated,
        Event::Revoked { status: Status::Revoked, .. } => Kind::LicenseRevoked,
        // That its subscription is over is told by itself.
        Event::Expired { for_good: true, .. } if license.subscription.is_some() => return Ok(None),
        Event::Expired { .. } => Kind::LicenseExpired,
        _ => return Ok(None),
    };
    let shown = plugin(app, license.plugin).await?;
    tells(license.holder, kind, json!({ "plugin": shown.details, "licenseId": license.id }))
}

async fn of_review(app: &App, cause: &Cause<'_>, event: &review::Event) -> Result<Option<Told>, AppError> {
    let stream = cause.recorded.stream;
    match event {
        review::Event::Submitted { plugin_id, rating, .. } => {
            let shown = plugin(app, *plugin_id).await?;
            let (owner, _) = vendor(app, shown.vendor).await?;
            let details = json!({ "plugin": shown.details, "reviewId": stream.uuid, "rating": rating });
            tells(owner, Kind::ReviewReceived, details)
        }
        review::Event::Replied { .. } => {
            let Some(first) = app.ports.log.read_stream(stream, 0, 1).await?.pop() else { return Ok(None) };
            let DomainEvent::Review(review::Event::Submitted { user_id, plugin_id, .. }) = app.open(&first).await?
            else {
                return Ok(None);
            };
            let shown = plugin(app, plugin_id).await?;
            tells(user_id, Kind::ReviewReplied, json!({ "plugin": shown.details, "reviewId": stream.uuid }))
        }
        _ => Ok(None),
    }
}

async fn of_plugin(app: &App, cause: &Cause<'_>, event: &plugin::Event) -> Result<Option<Told>, AppError> {
    use plugin::Event;
    let (kind, version) = match event {
        Event::VersionApproved { version, .. } => (Kind::VersionApproved, Some(version)),
        Event::VersionRejected { version, .. } => (Kind::VersionRejected, Some(version)),
        Event::Suspended { .. } => (Kind::ListingSuspended, None),
        Event::Reinstated {} => (Kind::ListingReinstated, None),
        _ => return Ok(None),
    };
    let shown = plugin(app, PluginId::new(cause.recorded.stream.uuid)).await?;
    let (owner, _) = vendor(app, shown.vendor).await?;
    let mut details = json!({ "plugin": shown.details });
    if let Some(version) = version {
        details["version"] = version.to_string().into();
    }
    tells(owner, kind, details)
}

async fn of_validation(app: &App, cause: &Cause<'_>, event: &validation::Event) -> Result<Option<Told>, AppError> {
    let validation::Event::Escalated { version, .. } = event else { return Ok(None) };
    let fact = app.fact::<Validations>(cause.recorded.stream.uuid, app.settings.fact_age).await?;
    let validation::State::Requested(validation) = &*fact.state else { return Ok(None) };
    let shown = plugin(app, validation.plugin).await?;
    let (owner, _) = vendor(app, shown.vendor).await?;
    let details = json!({ "plugin": shown.details, "version": version.to_string() });
    tells(owner, Kind::VersionNeedsReview, details)
}

async fn of_vendor(app: &App, cause: &Cause<'_>, event: &vendor::Event) -> Result<Option<Told>, AppError> {
    use vendor::Event;
    let (kind, payout) = match event {
        Event::Verified {} => (Kind::VendorVerified, None),
        Event::Suspended { .. } => (Kind::VendorSuspended, None),
        Event::PayoutRequested { payout_id, amount, currency, .. } => {
            (Kind::PayoutRequested, Some((payout_id, money(*amount, *currency))))
        }
        Event::PayoutPaid { payout_id, amount, currency, .. } => {
            (Kind::PayoutPaid, Some((payout_id, money(*amount, *currency))))
        }
        Event::PayoutFailed { payout_id, amount, currency, .. } => {
            (Kind::PayoutFailed, Some((payout_id, money(*amount, *currency))))
        }
        _ => return Ok(None),
    };
    let (owner, vendor) = vendor(app, VendorId::new(cause.recorded.stream.uuid)).await?;
    let mut details = json!({ "vendor": vendor });
    if let Some((id, money)) = payout {
        details["payoutId"] = json!(id);
        details["money"] = money;
    }
    tells(owner, kind, details)
}

fn of_user(cause: &Cause<'_>, event: &user::Event) -> Option<Told> {
    use user::Event;
    let (kind, details) = match event {
        Event::ApiKeyIssued { key_id, .. } => (Kind::ApiKeyIssued, json!({ "keyId": key_id })),
        Event::ApiKeyRevoked { key_id } => (Kind::ApiKeyRevoked, json!({ "keyId": key_id })),
        // Whoever opens a vendor becomes one.
        Event::RoleGranted { role: Role::Vendor } => return None,
        Event::RoleGranted { role } => (Kind::RoleGranted, json!({ "role": role })),
        Event::RoleRevoked { role } => (Kind::RoleRevoked, json!({ "role": role })),
        _ => return None,
    };
    Some(Told { user: UserId::new(cause.recorded.stream.uuid), kind, details })
}
