//! Plugin archives: reading them safely, packing them deterministically, and their manifest.
