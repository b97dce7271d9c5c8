//! What those who run Souk ask, and the description of the rest.

pub mod document;
pub mod health;
pub mod metrics;
pub mod ready;
