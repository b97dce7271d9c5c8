//! A small stand-in for a KurrentDB server, for tests.
