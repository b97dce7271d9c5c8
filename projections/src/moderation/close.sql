-- What closes an item that is closed already changes nothing: its first decision stands.
UPDATE moderation_item i
SET decision = n.decision, decided_at = n.decided_at, decided = n.decided
FROM jsonb_to_recordset($1) AS n (item_id uuid, decision text, decided_at timestamptz, decided bigint)
WHERE i.item_id = n.item_id AND i.decided IS NULL
