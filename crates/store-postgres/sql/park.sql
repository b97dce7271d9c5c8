INSERT INTO souk_ops.reaction_parked AS known (reaction, position, event, reason, attempts)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (reaction, position) DO UPDATE
    SET event = excluded.event,
        reason = excluded.reason,
        -- Counting ends where the column does.
        attempts = least(known.attempts::bigint + 1, 2147483647)
