SELECT i.item_id AS id, to_jsonb(i.subject) AS subject, to_jsonb(i.why) AS why, i.reason, i.told_by, i.reports, i.since, i.opened, i.version,
    p.plugin_id, p.name AS plugin_name, p.display_name AS plugin_display_name, to_jsonb(p.kind) AS plugin_kind,
    v.vendor_id, v.name AS vendor_name, v.slug AS vendor_slug, v.verified AS vendor_verified,
    r.confidence, to_jsonb(i.decision) AS decision, d.decided_by, i.decided_at, i.decided,
    (SELECT jsonb_build_object('critical', count(*) FILTER (WHERE f ->> 'severity' = 'critical'),
            'high', count(*) FILTER (WHERE f ->> 'severity' = 'high'),
            'medium', count(*) FILTER (WHERE f ->> 'severity' = 'medium'),
            'low', count(*) FILTER (WHERE f ->> 'severity' = 'low'),
            'info', count(*) FILTER (WHERE f ->> 'severity' = 'info'))
     FROM reliability_step s, jsonb_array_elements(s.findings) f
     WHERE s.validation_id = i.item_id) AS findings
FROM moderation_item i
JOIN catalogue_plugin p ON p.plugin_id = i.plugin_id
JOIN catalogue_vendor v ON v.vendor_id = p.vendor_id
LEFT JOIN reliability_validation r ON r.validation_id = i.item_id
LEFT JOIN moderation_decision d ON d.item_id = i.item_id AND d.position = i.decided
