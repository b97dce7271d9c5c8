-- The highest approved version that was not yanked; a release before any pre-release.
UPDATE catalogue_plugin p
SET latest_version = (
    SELECT v.version FROM catalogue_version v
    WHERE v.plugin_id = p.plugin_id AND v.status = 3
    ORDER BY v.prerelease, v.sort_key DESC
    LIMIT 1)
WHERE p.plugin_id = ANY($1)
