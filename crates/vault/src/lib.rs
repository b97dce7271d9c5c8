//! Keys of persons, and the sealing of personal fields.
