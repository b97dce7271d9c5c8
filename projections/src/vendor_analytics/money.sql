SELECT date_trunc($4, day)::date AS step, plugin_id, currency, sum(orders)::bigint AS orders, sum(gross)::bigint AS gross,
    sum(refunds)::bigint AS refunds, sum(commission)::bigint AS commission
FROM vendor_analytics_money
WHERE vendor_id = $1 AND day BETWEEN coalesce($2::date, '-infinity') AND coalesce($3::date, 'infinity')
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
