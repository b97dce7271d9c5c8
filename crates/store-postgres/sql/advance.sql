-- Moves a checkpoint forward, never back. One row while the lease is the holder's; locking it keeps another from taking
-- the lease between the question and the answer.
WITH held AS (
    SELECT reaction FROM souk_ops.reaction_lease WHERE reaction = $1 AND holder = $2 FOR SHARE
)
INSERT INTO souk_ops.reaction_checkpoint AS known (reaction, position, event_position, event_id)
SELECT reaction, $3, $4, $5 FROM held
ON CONFLICT (reaction) DO UPDATE
    SET position = greatest(known.position, excluded.position),
        event_position = CASE WHEN excluded.position >= known.position THEN excluded.event_position ELSE known.event_position END,
        event_id = CASE WHEN excluded.position >= known.position THEN excluded.event_id ELSE known.event_id END,
        updated_at = clock_timestamp()
