//! Suggestions straight from the log.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use souk_domain::{
    decider::Decider,
    event::DomainEvent,
    id::{Id, InstallationId, LicenseId, OrderId, PluginId, SubscriptionId, UserId, VendorId, WebhookId},
    installation, license,
    money::Currency,
    order::{self, Gateway, Orders},
    subscription::{self, Subscriptions},
    vendor,
    webhook::{self, Progress, Webhooks},
};
use souk_ports::{Directory, DirectoryError, Due, Metadata, Position, RecordedEvent, Timeline};

use crate::MemoryLog;

/// [`Directory`] and [`Timeline`] over a [`MemoryLog`] whose vault leaves data readable. While it lags, only for who waits for the head.
pub struct LogDirectory {
    log: MemoryLog,
    /// Whether it is behind.
    pub lags: AtomicBool,
}

impl LogDirectory {
    /// Suggestions from `log`.
    #[must_use]
    pub const fn new(log: MemoryLog) -> Self {
        Self { log, lags: AtomicBool::new(false) }
    }

    fn recorded(&self, at_least: Position) -> Vec<RecordedEvent> {
        if self.lags.load(Ordering::SeqCst) && at_least == 0 { Vec::new() } else { self.log.events() }
    }

    fn events(&self, at_least: Position) -> Vec<(RecordedEvent, DomainEvent)> {
        let decode = |recorded: RecordedEvent| {
            let event = DomainEvent::decode_bytes(&recorded.event_type, recorded.schema_version, &recorded.data);
            Some((recorded, event.ok()?))
        };
        self.recorded(at_least).into_iter().filter_map(decode).collect()
    }

    /// The states of all streams of a decider, in the order in which they began.
    fn states<D: Decider, K>(&self, at_least: Position) -> Vec<(Id<K>, D::State)> {
        let mut order = Vec::new();
        let mut states: BTreeMap<Id<K>, D::State> = BTreeMap::new();
        for recorded in self.recorded(at_least) {
            if recorded.stream.category != D::CATEGORY {
                continue;
            }
            let event = DomainEvent::decode_bytes(&recorded.event_type, recorded.schema_version, &recorded.data);
            let Some(event) = event.ok().and_then(|event| D::Event::try_from(event).ok()) else { continue };
            let id = Id::new(recorded.stream.uuid);
            let state = states.remove(&id).unwrap_or_else(|| {
                order.push(id);
                D::State::default()
            });
            states.insert(id, D::evolve(state, &event));
        }
        order.into_iter().filter_map(|id| Some((id, states.remove(&id)?))).collect()
    }
}

#[async_trait]
impl Directory for LogDirectory {
    async fn vendors_of(&self, owner: UserId, at_least: Position) -> Result<Vec<VendorId>, DirectoryError> {
        let registered = |(_, event): &(RecordedEvent, DomainEvent)| match event {
            DomainEvent::Vendor(vendor::Event::Registered { vendor_id, owner_id, .. }) if *owner_id == owner => {
                Some(*vendor_id)
            }
            _ => None,
        };
        Ok(self.events(at_least).iter().filter_map(registered).collect())
    }

    async fn licenses_of(
        &self,
        holder: UserId,
        plugin: PluginId,
        at_least: Position,
    ) -> Result<Vec<LicenseId>, DirectoryError> {
        let issued = |(_, event): &(RecordedEvent, DomainEvent)| match event {
            DomainEvent::License(license::Event::Issued { license_id, user_id, plugin_id, .. })
                if (*user_id, *plugin_id) == (holder, plugin) =>
            {
                Some(*license_id)
            }
            _ => None,
        };
        Ok(self.events(at_least).iter().rev().filter_map(issued).collect())
    }

    async fn subscriptions_of(&self, buyer: UserId, at_least: Position) -> Result<Vec<SubscriptionId>, DirectoryError> {
        let runs = |(id, state): (SubscriptionId, subscription::State)| match state {
            subscription::State::Started(known) => {
                (known.contract.buyer_id == buyer && known.standing != subscription::Standing::Lapsed).then_some(id)
            }
            subscription::State::Absent => None,
        };
        Ok(self.states::<Subscriptions, _>(at_least).into_iter().filter_map(runs).collect())
    }

    async fn waiting_webhooks(
        &self,
        names: &[String],
        order: Option<OrderId>,
        at_least: Position,
    ) -> Result<Vec<WebhookId>, DirectoryError> {
        let names: BTreeSet<_> = names.iter().collect();
        let waits = |(id, state): (WebhookId, webhook::State)| match state {
            webhook::State::Received(known) => match known.state {
                Progress::Waiting(wait) => {
                    let concerned = wait.names.iter().any(|name| names.contains(name))
                        || (order.is_some() && wait.order_id == order);
                    concerned.then_some(id)
                }
                _ => None,
            },
            webhook::State::Absent => None,
        };
        Ok(self.states::<Webhooks, _>(at_least).into_iter().filter_map(waits).collect())
    }

    async fn due(
        &self,
        now: DateTime<Utc>,
        soon: DateTime<Utc>,
        limit: u32,
        at_least: Position,
    ) -> Result<Due, DirectoryError> {
        let limit = limit as usize;
        let over = |(id, state): (LicenseId, license::State)| match state {
            license::State::Issued(known) => (!known.expired && known.is_over(now)).then_some(id),
            license::State::Absent => None,
        };
        let ends = |(id, state): (SubscriptionId, subscription::State)| match state {
            subscription::State::Started(known) => {
                let runs = known.standing != subscription::Standing::Lapsed;
                (runs && known.contract.gateway == Gateway::Manual && known.period_end <= soon).then_some(id)
            }
            subscription::State::Absent => None,
        };
        Ok(Due {
            licenses: self.states::<license::Licenses, _>(at_least).into_iter().filter_map(over).take(limit).collect(),
            subscriptions: self.states::<Subscriptions, _>(at_least).into_iter().filter_map(ends).take(limit).collect(),
        })
    }

    async fn earned(
        &self,
        vendor: VendorId,
        currency: Currency,
        before: DateTime<Utc>,
        at_least: Position,
    ) -> Result<i64, DirectoryError> {
        let share = |(_, state): (OrderId, order::State)| match state {
            order::State::Placed(order) => {
                let payment = order.payment.as_ref()?;
                if order.vendor != vendor || order.price.currency != currency || order.payout_account.is_some() {
                    return None;
                }
                let held = payment.paid_at.is_some_and(|at| at > before);
                let earned = if held { 0 } else { payment.total - payment.tax - payment.commission };
                Some(earned - order.vendor_returned())
            }
            order::State::Absent => None,
        };
        Ok(self.states::<Orders, _>(at_least).into_iter().filter_map(share).sum())
    }

    async fn installers_of(
        &self,
        plugin: PluginId,
        after: Option<UserId>,
        limit: u32,
        at_least: Position,
    ) -> Result<Vec<UserId>, DirectoryError> {
        let mut have = BTreeSet::new();
        for (recorded, event) in self.events(at_least) {
            match event {
                DomainEvent::Installation(installation::Event::Installed { user_id, plugin_id, .. })
                    if plugin_id == plugin =>
                {
                    have.insert(user_id);
                }
                DomainEvent::Installation(installation::Event::Uninstalled { .. }) => {
                    let id = InstallationId::new(recorded.stream.uuid);
                    have.retain(|user| InstallationId::of(*user, plugin) != id);
                }
                _ => {}
            }
        }
        Ok(have.into_iter().filter(|user| after.is_none_or(|after| *user > after)).take(limit as usize).collect())
    }
}

#[async_trait]
impl Timeline for LogDirectory {
    async fn page(
        &self,
        plugin: PluginId,
        after: Position,
        limit: usize,
        at_least: Position,
    ) -> Result<Vec<Position>, DirectoryError> {
        let of_plugin = |recorded: &RecordedEvent| {
            let metadata: Metadata = serde_json::from_slice(&recorded.metadata).ok()?;
            (metadata.plugin_id == Some(plugin) && recorded.position > after).then_some(recorded.position)
        };
        Ok(self.recorded(at_least).iter().filter_map(of_plugin).take(limit).collect())
    }
}
