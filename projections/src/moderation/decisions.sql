INSERT INTO moderation_decision (item_id, position, decision, reason, decided_by, decided_at)
SELECT item_id, position, decision, reason, decided_by, decided_at
FROM jsonb_to_recordset($1) AS n (item_id uuid, position bigint, decision text, reason text, decided_by uuid,
    decided_at timestamptz)
ON CONFLICT (item_id, position) DO NOTHING
