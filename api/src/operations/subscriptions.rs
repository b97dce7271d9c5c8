//! Purchases that are paid again and again.

pub mod cancel;
pub mod get;
#[cfg(test)]
mod life;
pub mod resume;
