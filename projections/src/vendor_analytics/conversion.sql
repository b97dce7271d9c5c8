SELECT count(*) AS placed_orders, count(paid_on) AS paid_orders, count(DISTINCT user_id) AS users_placed,
    count(DISTINCT user_id) FILTER (WHERE paid_on IS NOT NULL) AS users_paid
FROM vendor_analytics_order
WHERE vendor_id = $1 AND placed_on BETWEEN coalesce($2::date, '-infinity') AND coalesce($3::date, 'infinity')
