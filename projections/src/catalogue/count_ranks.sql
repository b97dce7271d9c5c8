UPDATE catalogue_rank r
SET confidence = coalesce(n.confidence, r.confidence), review_points = r.review_points + n.review_points,
    installs = r.installs + n.installs, active_installs = r.active_installs + n.active_installs,
    rating_sum = r.rating_sum + n.rating_sum, rating_count = r.rating_count + n.rating_count
FROM unnest($1::uuid[], $2::smallint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
    AS n (plugin_id, confidence, review_points, installs, active_installs, rating_sum, rating_count)
WHERE r.plugin_id = n.plugin_id
    AND (n.confidence IS NOT NULL OR n.review_points <> 0 OR n.installs <> 0 OR n.active_installs <> 0
        OR n.rating_sum <> 0 OR n.rating_count <> 0)
