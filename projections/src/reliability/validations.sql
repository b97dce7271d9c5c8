SELECT v.validation_id AS id, v.version, v.digest, v.confidence, to_jsonb(v.verdict) AS verdict, v.thresholds, v.report,
    v.escalated, to_jsonb(v.adjudicated) AS adjudicated, v.adjudication, v.pipeline, v.requested_at, v.concluded_at,
    v.position, to_jsonb(CASE WHEN v.adjudicated IS NOT NULL THEN 'adjudicated' WHEN v.escalated IS NOT NULL THEN 'escalated'
                  WHEN v.concluded_at IS NOT NULL THEN 'concluded' ELSE 'running' END) AS status,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('name', s.name, 'outcome', s.outcome, 'penalty', s.penalty,
                'findings', s.findings, 'findingCount', s.finding_count, 'completedAt', s.completed_at) ORDER BY s.position), '[]')
     FROM reliability_step s
     WHERE s.validation_id = v.validation_id) AS steps,
    (SELECT jsonb_build_object('state', coalesce(m.decision, 'open'), 'reason', m.reason, 'appealedAt', m.since,
                'answeredAt', m.decided_at)
     FROM moderation_item m
     WHERE m.item_id = v.validation_id AND m.why = 'appealed') AS appeal
FROM reliability_validation v
WHERE v.plugin_id = $1 AND ($2::uuid IS NULL OR v.validation_id = $2) AND v.position < $3
ORDER BY v.position DESC
LIMIT $4
