//! Takes payments through Stripe and Razorpay.
//!
//! Each gateway is one type that implements [`PaymentGateway`](souk_ports::payment::PaymentGateway): [`Stripe`] and [`Razorpay`]. Both ask
//! over HTTPS and are told by webhooks. What a gateway was asked and what it answers has this crate's words nowhere else: outside there
//! are only those of the port.
//!
//! Every call ends within the time of its settings, reads at most 1 MiB of an answer, and follows no redirect: a key goes to whom it was
//! given for. Amounts are whole minor units on both sides, but gateways have their own idea of how many digits some currencies have;
//! `money` knows which.

mod fields;
mod http;
mod money;
mod razorpay;
mod signature;
mod stripe;

pub use self::{
    http::BadSettings,
    razorpay::{Razorpay, RazorpaySettings},
    stripe::{Stripe, StripeSettings},
};
