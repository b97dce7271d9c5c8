//! Artifacts in a local directory, named by their SHA-256.
