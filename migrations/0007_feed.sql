-- A restored backup can leave a checkpoint beyond the end of the log, or at a position where the log has another event now.
-- Following from there would pass over events without a word, so a checkpoint remembers the last event that it stands for,
-- and why it is not followed.
ALTER TABLE souk_ops.projection_checkpoint
    -- The last event of this partition that was applied; none after a rebuild, until the next event.
    ADD COLUMN event_position bigint,
    ADD COLUMN event_id       uuid,
    -- Why nobody follows from here, in words for an operator; none while all is well.
    ADD COLUMN trouble        text;
