-- Sets a checkpoint back. Nobody has the lease for half a minute, so that whoever is further along learns that he lost it, and who
-- leads next begins from here. One row when there is such a reaction at that position or behind it.
WITH back AS (
    UPDATE souk_ops.reaction_checkpoint
    SET position = $2, event_position = NULL, event_id = NULL, updated_at = clock_timestamp()
    WHERE reaction = $1 AND position >= $2
    RETURNING reaction
)
INSERT INTO souk_ops.reaction_lease AS known (reaction, holder, held_until)
SELECT reaction, $3, clock_timestamp() + interval '30 seconds' FROM back
ON CONFLICT (reaction) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
