//! A real Apache Kafka broker for tests, started on loopback.
