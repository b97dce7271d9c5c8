//! A search index in memory: words, filters, facets and orders of what can be found.
//!
//! It holds no truth. Whoever keeps it fills it from rows, tells it what changed, and throws it away at will; nothing here waits,
//! reads or writes anything outside. Reasons: `docs/adr/0019-search-in-memory.md`.

mod facets;
mod hits;
mod index;
mod rank;
mod spelling;
pub mod text;
mod vocabulary;

pub use facets::{FACET_VALUES, Facets};
pub use hits::{Found, Hit, Matches, Order, Query};
pub use index::{Figures, Index, Known, Listing};
