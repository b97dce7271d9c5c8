INSERT INTO reliability_validation AS v (validation_id, plugin_id, version, digest, pipeline, confidence, verdict, report, thresholds,
    escalated, adjudicated, adjudication, requested_at, concluded_at, position)
SELECT n.validation_id, n.plugin_id, n.version, n.digest, n.pipeline, o.confidence, o.verdict, o.report, nullif(o.thresholds, 'null'),
    o.escalated, o.adjudicated, o.adjudication, n.requested_at, o.concluded_at, n.position
FROM jsonb_to_recordset($1) AS n (validation_id uuid, plugin_id uuid, version text, digest text, pipeline text[],
        requested_at timestamptz, position bigint, outcome jsonb),
    jsonb_to_record(n.outcome) AS o (confidence smallint, verdict text, report text, thresholds jsonb, escalated text,
        adjudicated text, adjudication text, concluded_at timestamptz)
ON CONFLICT (validation_id) DO UPDATE
SET confidence = coalesce(excluded.confidence, v.confidence), verdict = coalesce(excluded.verdict, v.verdict),
    report = coalesce(excluded.report, v.report), thresholds = coalesce(excluded.thresholds, v.thresholds),
    escalated = coalesce(excluded.escalated, v.escalated), adjudicated = coalesce(excluded.adjudicated, v.adjudicated),
    adjudication = coalesce(excluded.adjudication, v.adjudication), concluded_at = coalesce(excluded.concluded_at, v.concluded_at)
