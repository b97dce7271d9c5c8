INSERT INTO moderation_cross_check (validation_id, samples, attempts)
SELECT validation_id, samples, attempts
FROM jsonb_to_recordset($1) AS n (validation_id uuid, samples bigint, attempts jsonb)
ON CONFLICT (validation_id) DO UPDATE SET samples = excluded.samples, attempts = excluded.attempts
