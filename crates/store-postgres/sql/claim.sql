-- Claims a key that is free, or whose lease ran out with the same payload. One row when it is claimed.
INSERT INTO souk_ops.idempotency AS known (key, fingerprint, claimed_at, lease_until)
VALUES ($1, $2, clock_timestamp(), clock_timestamp() + make_interval(secs => $3))
ON CONFLICT (key) DO UPDATE SET claimed_at = excluded.claimed_at, lease_until = excluded.lease_until
    WHERE known.finished_at IS NULL
      AND known.fingerprint = excluded.fingerprint
      AND known.lease_until <= clock_timestamp()
RETURNING key
