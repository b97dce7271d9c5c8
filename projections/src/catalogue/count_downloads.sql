WITH counted AS (
    INSERT INTO catalogue_download (plugin_id, user_id, version, day)
    SELECT plugin_id, user_id, version, day
    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::date[]) AS n (plugin_id, user_id, version, day)
    ON CONFLICT (plugin_id, user_id, version, day) DO NOTHING
    RETURNING plugin_id
)
SELECT plugin_id, count(*) FROM counted GROUP BY plugin_id
