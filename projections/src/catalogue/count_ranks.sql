-- A plugin is changed by events of several partitions, which are written in any order: the highest position stays.
UPDATE catalogue_rank r
SET confidence = coalesce(n.confidence, r.confidence), review_points = r.review_points + n.review_points,
    installs = r.installs + n.installs, active_installs = r.active_installs + n.active_installs,
    downloads = r.downloads + n.downloads,
    rating_sum = r.rating_sum + n.rating_sum, rating_count = r.rating_count + n.rating_count,
    succeeded = r.succeeded + n.succeeded, failed = r.failed + n.failed,
    cross_check_points = r.cross_check_points + n.cross_check_points, changed = GREATEST(r.changed, n.changed)
FROM unnest($1::uuid[], $2::smallint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
        $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[])
    AS n (plugin_id, confidence, review_points, installs, active_installs, downloads, rating_sum, rating_count, changed, succeeded, failed, cross_check_points)
WHERE r.plugin_id = n.plugin_id
