INSERT INTO reviews_summary AS s (plugin_id, stars_1, stars_2, stars_3, stars_4, stars_5)
SELECT plugin_id, stars_1, stars_2, stars_3, stars_4, stars_5
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
    AS n (plugin_id, stars_1, stars_2, stars_3, stars_4, stars_5)
ON CONFLICT (plugin_id) DO UPDATE
SET stars_1 = s.stars_1 + excluded.stars_1, stars_2 = s.stars_2 + excluded.stars_2, stars_3 = s.stars_3 + excluded.stars_3,
    stars_4 = s.stars_4 + excluded.stars_4, stars_5 = s.stars_5 + excluded.stars_5
