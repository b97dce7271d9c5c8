-- Takes a lease that is free, ran out, or is the holder's own. One row when it is the holder's.
INSERT INTO souk_ops.reaction_lease AS known (reaction, holder, held_until)
VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3))
ON CONFLICT (reaction) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
    WHERE known.holder = excluded.holder OR known.held_until <= clock_timestamp()
