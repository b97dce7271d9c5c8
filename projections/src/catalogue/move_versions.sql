-- 3 and above is the plugin's own decision, which no validation overrules.
UPDATE catalogue_version v
SET status = coalesce(n.status, CASE WHEN v.status < 3 THEN n.progress END, v.status),
    confidence = coalesce(n.confidence, v.confidence), approved_at = coalesce(n.approved_at, v.approved_at)
FROM jsonb_to_recordset($1) AS n (plugin_id uuid, version text, status smallint, progress smallint, confidence smallint,
    approved_at bigint)
WHERE v.plugin_id = n.plugin_id AND v.version = n.version
