//! End to end, over the real binary.
