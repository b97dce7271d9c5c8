-- Days before the span count for what holds at its end.
SELECT date_trunc($4, day)::date AS step, plugin_id, day >= coalesce($2::date, '-infinity') AS inside,
    sum(installs)::bigint AS installs, sum(uninstalls)::bigint AS uninstalls, sum(active)::bigint AS active,
    sum(views)::bigint AS views,
    sum(downloads)::bigint AS downloads, sum(reviews)::bigint AS reviews, sum(rating_sum)::bigint AS rating_sum
FROM vendor_analytics_activity
WHERE vendor_id = $1 AND day <= coalesce($3::date, 'infinity')
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
