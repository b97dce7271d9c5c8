//! Use cases, the command loop, reactions and the validation pipeline.
