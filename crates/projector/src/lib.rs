//! Folds events into read models exactly once, and rebuilds them.
