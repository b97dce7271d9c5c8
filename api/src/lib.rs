//! The HTTP interface of Souk.
