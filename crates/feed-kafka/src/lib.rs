//! The event feed through Apache Kafka: the relay and the consumer side.
