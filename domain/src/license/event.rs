//! What happens to a license.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Hold, License, LicenseKind, PaymentCause, Purpose, Status};
use crate::{
    id::{LicenseId, OrderId, PluginId, SubscriptionId, UserId, VendorId},
    listing::Terms,
    personal::Personal,
};

/// What happens to a license.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// It was issued.
    #[serde(rename = "license.issued", rename_all = "camelCase")]
    Issued {
        /// Which.
        license_id: LicenseId,
        /// Paid by which order.
        order_id: OrderId,
        /// The subscription that keeps it good.
        subscription_id: Option<SubscriptionId>,
        /// Whose right.
        user_id: UserId,
        /// To what.
        plugin_id: PluginId,
        /// From whom.
        vendor_id: VendorId,
        /// For how long.
        kind: LicenseKind,
        /// What it allows.
        terms: Terms,
        /// Until when.
        expires_at: Option<DateTime<Utc>>,
    },
    /// It was bound to a machine.
    #[serde(rename = "license.activated", rename_all = "camelCase")]
    Activated {
        /// The machine.
        fingerprint: String,
        /// What the holder calls it.
        label: Personal,
        /// When.
        activated_at: DateTime<Utc>,
        /// How many machines it has now.
        activations: u32,
    },
    /// It was freed from a machine.
    #[serde(rename = "license.deactivated", rename_all = "camelCase")]
    Deactivated {
        /// The machine.
        fingerprint: String,
        /// How many machines it has now.
        activations: u32,
    },
    /// It is not good for now.
    #[serde(rename = "license.suspended", rename_all = "camelCase")]
    Suspended {
        /// Why.
        reason: String,
        /// Where it stands now, with whatever else holds it.
        status: Status,
        /// Because of which order; none when somebody decided so.
        payment: Option<PaymentCause>,
    },
    /// What suspended it is over, or what ended it did not last.
    #[serde(rename = "license.reinstated", rename_all = "camelCase")]
    Reinstated {
        /// Where it stands now, with whatever else holds it.
        status: Status,
        /// Because of which order; none when somebody decided so.
        payment: Option<PaymentCause>,
    },
    /// It is not good any more: never again when somebody decided so.
    #[serde(rename = "license.revoked", rename_all = "camelCase")]
    Revoked {
        /// Why.
        reason: String,
        /// Where it stands now, with whatever else holds it.
        status: Status,
        /// Because of which order; none when somebody decided so.
        payment: Option<PaymentCause>,
    },
    /// It is good for longer.
    #[serde(rename = "license.extended", rename_all = "camelCase")]
    Extended {
        /// Until when.
        expires_at: Option<DateTime<Utc>>,
        /// Until when it was good before.
        previous_expires_at: Option<DateTime<Utc>>,
        /// What it is now.
        kind: LicenseKind,
    },
    /// Its time was over.
    #[serde(rename = "license.expired", rename_all = "camelCase")]
    Expired {
        /// Since when.
        expired_at: DateTime<Utc>,
        /// Whether nothing makes it good for longer any more: its subscription is over.
        for_good: bool,
    },
    /// A use was counted.
    #[serde(rename = "license.used", rename_all = "camelCase")]
    Used {
        /// What for.
        purpose: Purpose,
        /// How often, this time.
        amount: u32,
        /// How often, with all times before.
        total: u64,
        /// When.
        used_at: DateTime<Utc>,
    },
    /// It has another key; those before are good for nothing.
    #[serde(rename = "license.key_rotated", rename_all = "camelCase")]
    KeyRotated {
        /// How often it was changed with this time.
        generation: u32,
    },
}

impl Event {
    /// The type under which the log keeps it.
    #[must_use]
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::Issued { .. } => "license.issued",
            Self::Activated { .. } => "license.activated",
            Self::Deactivated { .. } => "license.deactivated",
            Self::Suspended { .. } => "license.suspended",
            Self::Reinstated { .. } => "license.reinstated",
            Self::Revoked { .. } => "license.revoked",
            Self::Extended { .. } => "license.extended",
            Self::Expired { .. } => "license.expired",
            Self::Used { .. } => "license.used",
            Self::KeyRotated { .. } => "license.key_rotated",
        }
    }

    pub(super) fn first_state(&self) -> Option<License> {
        let Self::Issued {
            license_id,
            order_id,
            subscription_id,
            user_id,
            plugin_id,
            vendor_id,
            kind,
            terms,
            expires_at,
        } = self
        else {
            return None;
        };
        Some(License {
            id: *license_id,
            order: *order_id,
            subscription: *subscription_id,
            holder: *user_id,
            plugin: *plugin_id,
            vendor: *vendor_id,
            kind: *kind,
            terms: terms.clone(),
            expires_at: *expires_at,
            expired: false,
            over_for_good: false,
            decided: Hold::None,
            paid: BTreeMap::new(),
            activations: BTreeMap::new(),
            downloads: 0,
            uses: 0,
            key_generation: 0,
        })
    }
}

impl License {
    pub(super) fn apply(&mut self, event: &Event) {
        match event {
            Event::Issued { .. } => {}
            Event::Activated { fingerprint, activated_at, .. } => {
                self.activations.insert(fingerprint.clone(), *activated_at);
            }
            Event::Deactivated { fingerprint, .. } => {
                self.activations.remove(fingerprint);
            }
            Event::Suspended { payment, .. } => self.note(*payment, Hold::Suspended),
            Event::Reinstated { payment, .. } => self.note(*payment, Hold::None),
            Event::Revoked { payment, .. } => self.note(*payment, Hold::Revoked),
            Event::Extended { expires_at, kind, .. } => {
                self.expires_at = *expires_at;
                self.kind = *kind;
                self.expired = false;
            }
            Event::Expired { expired_at, for_good } => {
                self.expired = true;
                self.expires_at = Some(*expired_at);
                self.over_for_good |= *for_good;
            }
            Event::Used { purpose: Purpose::Download, total, .. } => self.downloads = *total,
            Event::Used { purpose: Purpose::Usage, total, .. } => self.uses = *total,
            Event::KeyRotated { generation } => self.key_generation = *generation,
        }
    }

    pub(super) fn note(&mut self, payment: Option<PaymentCause>, hold: Hold) {
        match payment {
            Some(cause) => {
                self.paid.insert(cause.order_id, (cause.order_version, hold));
            }
            None => self.decided = hold,
        }
    }
}
