//! The read models of Souk: one folder each.
