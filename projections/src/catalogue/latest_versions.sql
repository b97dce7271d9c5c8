-- The highest approved version that was neither yanked nor rolled back; a release before any pre-release. Rolled back is what was
-- approved before the vendor went back to a version below it.
UPDATE catalogue_plugin p
SET latest_version = (
    SELECT v.version FROM catalogue_version v
    LEFT JOIN catalogue_version t ON t.plugin_id = p.plugin_id AND t.version = p.rolled_back_to
    WHERE v.plugin_id = p.plugin_id AND v.status = 3
        AND (t.version IS NULL OR v.approved_at > p.rolled_back_at
            OR (NOT v.prerelease, v.sort_key) <= (NOT t.prerelease, t.sort_key))
    ORDER BY v.prerelease, v.sort_key DESC
    LIMIT 1)
WHERE p.plugin_id = ANY($1)
