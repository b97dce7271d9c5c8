//! Plugin archives: reading them safely, packing them deterministically, and their manifest.
//!
//! Everything here is pure and synchronous: bytes in, a value or findings out. Nothing is ever unpacked to a file system,
//! and the time and memory that hostile bytes can cost are bounded by [`archive::Limits`].

pub mod archive;
mod finding;
pub mod frontmatter;
pub mod kinds;
pub mod manifest;
pub mod pack;

pub use finding::{finding, shown};
