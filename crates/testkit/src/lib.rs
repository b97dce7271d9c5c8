//! In-memory adapters and the contract suites that every adapter must pass.
