SELECT version, digest, size, confidence, signed, submitted_at,
    to_jsonb((ARRAY['submitted', 'validating', 'needs_review', 'approved', 'rejected', 'yanked'])[status + 1]) AS status
FROM catalogue_version
WHERE plugin_id = $1
ORDER BY sort_key DESC
