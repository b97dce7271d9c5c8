-- Claims mails whose time has come and whom nobody has. Who comes at the same time passes over them.
WITH due AS (
    SELECT notice FROM souk_ops.mail
    WHERE state = 'waiting' AND due_at <= clock_timestamp()
      AND (claimed_until IS NULL OR claimed_until <= clock_timestamp())
    ORDER BY due_at LIMIT $2
    FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE souk_ops.mail
    SET claim = $1, claimed_until = clock_timestamp() + make_interval(secs => $3),
        attempts = least(attempts::bigint + 1, 2147483647)
    FROM due WHERE mail.notice = due.notice
    RETURNING mail.notice, attempts, extract(epoch FROM clock_timestamp() - waits_since)::float8 AS waited
)
SELECT notice, person, kind, details, happened, read_at IS NOT NULL AS read, attempts, waited
FROM claimed JOIN souk_ops.notice USING (notice)
