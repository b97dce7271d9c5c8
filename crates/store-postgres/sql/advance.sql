-- Moves a checkpoint forward, never back. One row while the lease is the holder's; locking it keeps another from taking
-- the lease between the question and the answer.
WITH held AS (
    SELECT reaction FROM souk_ops.reaction_lease WHERE reaction = $1 AND holder = $2 FOR SHARE
)
INSERT INTO souk_ops.reaction_checkpoint AS known (reaction, position)
SELECT reaction, $3 FROM held
ON CONFLICT (reaction) DO UPDATE
    SET position = greatest(known.position, excluded.position), updated_at = clock_timestamp()
