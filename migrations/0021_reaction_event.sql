-- A restored backup can leave a reaction at a position where the log has another event now. Going on from there would pass over
-- what was appended in between without a word, so a reaction remembers the last event that it has seen.
ALTER TABLE souk_ops.reaction_checkpoint
    -- None until the next event, of a reaction from before this was kept.
    ADD COLUMN event_position bigint,
    ADD COLUMN event_id       uuid;
