//! End to end: the real binary, the real PostgreSQL, over HTTP.
