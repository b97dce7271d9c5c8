# syntax=docker/dockerfile:1

FROM rust:1.95-bookworm AS build
# librdkafka speaks TLS to brokers with OpenSSL.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libssl-dev make pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# The caches live outside the layers; the binary is copied out before they are unmounted.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --locked --release --package souk --bin souk --features kafka-tls \
    && install -D target/release/souk /out/souk

# No PostgreSQL is in here: give it a DATABASE_URL, as docker-compose.yml and deploy/kubernetes do.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl libssl3 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 souk \
    && useradd --system --uid 10001 --gid souk --home-dir /var/lib/souk --shell /usr/sbin/nologin souk \
    && install -d -o souk -g souk -m 0700 /var/lib/souk
COPY --from=build /out/souk /usr/local/bin/souk
USER 10001:10001
WORKDIR /var/lib/souk
VOLUME /var/lib/souk
# 8080: `souk serve` and `souk api`; 9090: probes of the other processes, where --probe says so.
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
ENTRYPOINT ["souk"]
CMD ["serve", "--data-dir", "/var/lib/souk", "--listen", "0.0.0.0:8080"]
