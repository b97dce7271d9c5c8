SELECT to_jsonb(decision) AS decision, reason, decided_by, decided_at, position
FROM moderation_decision
WHERE item_id = $1
ORDER BY position
