INSERT INTO vendor_analytics_country AS c (vendor_id, day, plugin_id, country, currency, orders, gross)
SELECT vendor_id, day, plugin_id, country, currency, orders, gross
FROM unnest($1::uuid[], $2::date[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::bigint[])
    AS n (vendor_id, day, plugin_id, country, currency, orders, gross)
ON CONFLICT (vendor_id, day, plugin_id, country, currency) DO UPDATE
SET orders = c.orders + excluded.orders, gross = c.gross + excluded.gross
