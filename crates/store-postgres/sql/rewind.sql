-- Sets a checkpoint back, and takes the lease from whoever is further along: who leads next begins from here. One row when there
-- is such a reaction behind that position.
WITH ended AS (
    DELETE FROM souk_ops.reaction_lease WHERE reaction = $1
)
UPDATE souk_ops.reaction_checkpoint
SET position = $2, event_position = NULL, event_id = NULL, updated_at = clock_timestamp()
WHERE reaction = $1 AND position >= $2
