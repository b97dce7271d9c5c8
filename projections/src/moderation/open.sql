-- An item that is open already has been waiting since then; one that was decided begins anew.
INSERT INTO moderation_item AS i (item_id, subject, plugin_id, version, why, reason, told_by, reports, since, opened, decision,
    decided_at, decided)
SELECT item_id, subject, plugin_id, version, why, reason, told_by, reports, since, opened, decision, decided_at, decided
FROM jsonb_to_recordset($1) AS n (item_id uuid, subject text, plugin_id uuid, version text, why text, reason text, told_by uuid, reports integer,
    since timestamptz, opened bigint, decision text, decided_at timestamptz, decided bigint)
ON CONFLICT (item_id) DO UPDATE
SET why = excluded.why, reason = excluded.reason, told_by = excluded.told_by,
    reports = excluded.reports + CASE WHEN i.decided IS NULL THEN i.reports ELSE 0 END,
    since = CASE WHEN i.decided IS NULL THEN i.since ELSE excluded.since END,
    opened = CASE WHEN i.decided IS NULL THEN i.opened ELSE excluded.opened END,
    decision = excluded.decision, decided_at = excluded.decided_at, decided = excluded.decided
