SELECT nullif(country, '') AS country, currency, sum(orders)::bigint AS orders, sum(gross)::bigint AS gross_revenue
FROM vendor_analytics_country
WHERE vendor_id = $1 AND day BETWEEN coalesce($2::date, '-infinity') AND coalesce($3::date, 'infinity')
GROUP BY country, currency
ORDER BY sum(orders) DESC, country, currency
LIMIT 1000
