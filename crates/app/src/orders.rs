//! Purchases and their payments.

use serde_json::{Value, json};
use souk_domain::{
    id::OrderId,
    money::Currency,
    order::{Gateway, Order},
};

use crate::{App, AppError, Context, Done, Read, plugins::PluginRef};

/// A payment that was seen.
#[derive(Clone, Debug)]
pub struct RecordPayment {
    /// The gateway's name of the payment, 1 to 200 characters.
    pub reference: String,
    /// Minor units; what is due when absent.
    pub amount: Option<i64>,
    /// The currency; the order's when absent.
    pub currency: Option<Currency>,
}

/// Orders a plugin for the caller at today's price and terms. The id is derived from the command.
///
/// # Errors
/// `NotFound`, `Unauthorized`; conflicts `plugin_is_free`, `not_available`.
pub async fn place(
    _app: &App,
    _ctx: &Context,
    _plugin: &PluginRef,
    _gateway: Gateway,
) -> Result<Done<Order>, AppError> {
    unimplemented!()
}

/// The order; buyer or admin, for others it does not exist.
///
/// # Errors
/// `NotFound`, `Unauthorized`.
pub async fn get(_app: &App, _ctx: &Context, _order: OrderId) -> Result<Read<Order>, AppError> {
    unimplemented!()
}

/// Records the payment of an order; admin. The same reference again changes nothing.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid`; conflicts `already_paid`, `payment_mismatch`.
pub async fn record_payment(
    _app: &App,
    _ctx: &Context,
    _order: OrderId,
    _input: RecordPayment,
) -> Result<Done<Order>, AppError> {
    unimplemented!()
}

/// Gives money back; admin. `amount` in minor units; all that is left when absent.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid`; conflicts `not_paid`, `refund_too_large`.
pub async fn refund(
    _app: &App,
    _ctx: &Context,
    _order: OrderId,
    _amount: Option<i64>,
    _reason: &str,
) -> Result<Done<Order>, AppError> {
    unimplemented!()
}

/// What the buyer does next, as the gateway has it.
#[must_use]
pub fn checkout(order: &Order) -> Value {
    match order.gateway {
        Gateway::Manual => json!({
            "type": "manual",
            "reference": order.id,
            "instructions": "Transfer the amount and name the reference; an admin records the payment when it has arrived.",
        }),
    }
}
