//! The consecutive numbers of a vendor's invoices and credit notes: none twice, none left out, whoever asks at once.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    decider::Decider,
    id::{OrderId, PluginId, SeriesId, UserId, VendorId},
    money::Currency,
    stream::Category,
};

/// A series as its events tell it.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The last number that was given.
    pub last: u64,
    /// What was numbered, by what it is about.
    pub numbers: BTreeMap<Uuid, u64>,
}

/// What is numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Of a payment.
    Invoice,
    /// Of money that went back, or was taken back.
    CreditNote,
}

impl SeriesId {
    /// The series of what `vendor` issues.
    #[must_use]
    pub fn of(vendor: VendorId, kind: Kind) -> Self {
        let kind = match kind {
            Kind::Invoice => "invoice",
            Kind::CreditNote => "credit_note",
        };
        Self::derived(&["series", &vendor.to_string(), kind])
    }
}

/// What is on an invoice or a credit note.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// What it is about: the event by which it came to be. The same is numbered once.
    pub source_id: Uuid,
    /// Of which order.
    pub order_id: OrderId,
    /// For whom.
    pub buyer_id: UserId,
    /// For what.
    pub plugin_id: PluginId,
    /// From whom.
    pub vendor_id: VendorId,
    /// Minor units, with taxes.
    pub amount: i64,
    /// Taxes in it, minor units.
    pub tax: i64,
    /// Of this currency.
    pub currency: Currency,
    /// When.
    pub issued_at: DateTime<Utc>,
}

/// What can be asked of a series.
#[derive(Clone, Debug)]
pub enum Command {
    /// Give the next number.
    Issue {
        /// To what sort of document; the same in all of a series.
        kind: Kind,
        /// To which.
        document: Box<Document>,
    },
}

/// What happens to a series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// An invoice has a number.
    #[serde(rename = "invoice.issued", rename_all = "camelCase")]
    InvoiceIssued {
        /// Its number, from 1 on.
        number: u64,
        /// What is on it.
        #[serde(flatten)]
        document: Box<Document>,
    },
    /// A credit note has a number.
    #[serde(rename = "invoice.credited", rename_all = "camelCase")]
    CreditNoteIssued {
        /// Its number, from 1 on.
        number: u64,
        /// What is on it.
        #[serde(flatten)]
        document: Box<Document>,
    },
}

impl Event {
    /// The type under which the log keeps it.
    #[must_use]
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::InvoiceIssued { .. } => "invoice.issued",
            Self::CreditNoteIssued { .. } => "invoice.credited",
        }
    }
}

/// A series refuses nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {}

/// Decides about numbers, on streams `invoice-`.
pub struct Numbers;

impl Decider for Numbers {
    type State = State;
    type Command = Command;
    type Event = Event;
    type Error = Error;

    const CATEGORY: Category = Category::Invoice;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Error> {
        let Command::Issue { kind, document } = command;
        if state.numbers.contains_key(&document.source_id) {
            return Ok(vec![]);
        }
        let number = state.last + 1;
        Ok(vec![match kind {
            Kind::Invoice => Event::InvoiceIssued { number, document },
            Kind::CreditNote => Event::CreditNoteIssued { number, document },
        }])
    }

    fn evolve(mut state: State, event: &Event) -> State {
        let (Event::InvoiceIssued { number, document } | Event::CreditNoteIssued { number, document }) = event;
        state.last = *number;
        state.numbers.insert(document.source_id, *number);
        state
    }
}

#[cfg(test)]
mod tests;
