INSERT INTO vendor_analytics_activity AS a (vendor_id, day, plugin_id, installs, uninstalls, active, views, downloads, reviews, rating_sum)
SELECT vendor_id, day, plugin_id, installs, uninstalls, active, views, downloads, reviews, rating_sum
FROM unnest($1::uuid[], $2::date[], $3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[])
    AS n (vendor_id, day, plugin_id, installs, uninstalls, active, views, downloads, reviews, rating_sum)
ON CONFLICT (vendor_id, day, plugin_id) DO UPDATE
SET installs = a.installs + excluded.installs, uninstalls = a.uninstalls + excluded.uninstalls, active = a.active + excluded.active,
    views = a.views + excluded.views,
    downloads = a.downloads + excluded.downloads, reviews = a.reviews + excluded.reviews, rating_sum = a.rating_sum + excluded.rating_sum
