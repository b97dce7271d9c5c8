INSERT INTO reliability_step (validation_id, name, position, outcome, penalty, findings, finding_count, completed_at)
SELECT validation_id, name, position, outcome, penalty, findings, finding_count, completed_at
FROM jsonb_to_recordset($1) AS n (validation_id uuid, name text, position bigint, outcome text, penalty smallint, findings jsonb,
    finding_count bigint, completed_at timestamptz)
ON CONFLICT (validation_id, name) DO UPDATE
SET position = excluded.position, outcome = excluded.outcome, penalty = excluded.penalty, findings = excluded.findings,
    finding_count = excluded.finding_count, completed_at = excluded.completed_at
