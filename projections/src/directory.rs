//! What read models suggest to use cases.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use souk_domain::{
    id::{LicenseId, OrderId, PluginId, SubscriptionId, UserId, VendorId, WebhookId},
    money::Currency,
};
use souk_ports::{Directory, DirectoryError, Due, Position, Timeline};
use souk_projector::{Projection, ReadError, ReadGuard, Reader};

use crate::{QueryError, catalogue, earnings, library, timeline, webhooks};

/// The suggestions of the read models.
#[derive(Clone)]
pub struct Directories {
    reader: Arc<Reader>,
    patience: Duration,
}

impl Directories {
    /// Reads through `reader`, waiting at most `patience` for a position.
    #[must_use]
    pub fn new(reader: Arc<Reader>, patience: Duration) -> Self {
        Self { reader, patience }
    }

    async fn at(&self, projection: &dyn Projection, at_least: Position) -> Result<ReadGuard, DirectoryError> {
        let wanted = (at_least > 0).then_some(at_least);
        self.reader.at(&[projection.name()], wanted, self.patience).await.map_err(|error| match error {
            ReadError::Behind(behind) => DirectoryError::Behind { wanted: behind.wanted },
            other => DirectoryError::Unavailable(other.to_string()),
        })
    }
}

fn unavailable(error: &QueryError) -> DirectoryError {
    DirectoryError::Unavailable(error.to_string())
}

#[async_trait]
impl Directory for Directories {
    async fn vendors_of(&self, owner: UserId, at_least: Position) -> Result<Vec<VendorId>, DirectoryError> {
        let guard = self.at(&catalogue::Catalogue, at_least).await?;
        let vendors = catalogue::vendors_of(&guard, owner.uuid()).await.map_err(|error| unavailable(&error))?;
        Ok(vendors.into_iter().map(|vendor| vendor.id.into()).collect())
    }

    async fn licenses_of(
        &self,
        holder: UserId,
        plugin: PluginId,
        at_least: Position,
    ) -> Result<Vec<LicenseId>, DirectoryError> {
        let guard = self.at(&library::Library, at_least).await?;
        let licenses =
            library::licenses_for(&guard, holder.uuid(), plugin.uuid()).await.map_err(|error| unavailable(&error))?;
        Ok(licenses.into_iter().map(LicenseId::from).collect())
    }

    async fn subscriptions_of(&self, buyer: UserId, at_least: Position) -> Result<Vec<SubscriptionId>, DirectoryError> {
        let guard = self.at(&library::Library, at_least).await?;
        let found = library::running_subscriptions(&guard, buyer.uuid()).await.map_err(|error| unavailable(&error))?;
        Ok(found.into_iter().map(SubscriptionId::from).collect())
    }

    async fn waiting_webhooks(
        &self,
        names: &[String],
        order: Option<OrderId>,
        at_least: Position,
    ) -> Result<Vec<WebhookId>, DirectoryError> {
        let guard = self.at(&webhooks::Webhooks, at_least).await?;
        let order = order.map(OrderId::uuid);
        let waiting = webhooks::waiting(&guard, names, order).await.map_err(|error| unavailable(&error))?;
        Ok(waiting.into_iter().map(WebhookId::from).collect())
    }

    async fn due(
        &self,
        now: DateTime<Utc>,
        soon: DateTime<Utc>,
        limit: u32,
        at_least: Position,
    ) -> Result<Due, DirectoryError> {
        let guard = self.at(&library::Library, at_least).await?;
        let due = library::due(&guard, now, soon, limit).await.map_err(|error| unavailable(&error))?;
        Ok(Due {
            licenses: due.licenses.into_iter().map(LicenseId::from).collect(),
            subscriptions: due.subscriptions.into_iter().map(SubscriptionId::from).collect(),
        })
    }

    async fn earned(
        &self,
        vendor: VendorId,
        currency: Currency,
        before: DateTime<Utc>,
        at_least: Position,
    ) -> Result<i64, DirectoryError> {
        let guard = self.at(&earnings::Earnings, at_least).await?;
        let earned = earnings::earned(&guard, vendor.uuid(), currency.code(), before).await;
        earned.map_err(|error| unavailable(&error))
    }

    async fn installers_of(
        &self,
        plugin: PluginId,
        after: Option<UserId>,
        limit: u32,
        at_least: Position,
    ) -> Result<Vec<UserId>, DirectoryError> {
        let guard = self.at(&library::Library, at_least).await?;
        let found = library::installers(&guard, plugin.uuid(), after.map(UserId::uuid), limit).await;
        Ok(found.map_err(|error| unavailable(&error))?.into_iter().map(UserId::from).collect())
    }
}

#[async_trait]
impl Timeline for Directories {
    async fn page(
        &self,
        plugin: PluginId,
        after: Position,
        limit: usize,
        at_least: Position,
    ) -> Result<Vec<Position>, DirectoryError> {
        let guard = self.at(&timeline::Timeline, at_least).await?;
        timeline::positions(&guard, plugin.uuid(), after, limit).await.map_err(|error| unavailable(&error))
    }
}
