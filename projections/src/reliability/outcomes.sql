UPDATE reliability_validation v
SET confidence = coalesce(n.confidence, v.confidence), verdict = coalesce(n.verdict, v.verdict),
    report = coalesce(n.report, v.report), thresholds = coalesce(nullif(n.thresholds, 'null'), v.thresholds),
    escalated = coalesce(n.escalated, v.escalated), adjudicated = coalesce(n.adjudicated, v.adjudicated),
    adjudication = coalesce(n.adjudication, v.adjudication), concluded_at = coalesce(n.concluded_at, v.concluded_at)
FROM jsonb_to_recordset($1) AS n (validation_id uuid, confidence smallint, verdict text, report text, thresholds jsonb,
    escalated text, adjudicated text, adjudication text, concluded_at timestamptz)
WHERE v.validation_id = n.validation_id
