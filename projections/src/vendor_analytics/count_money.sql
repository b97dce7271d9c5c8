INSERT INTO vendor_analytics_money AS m (vendor_id, day, plugin_id, currency, orders, gross, refunds, commission)
SELECT vendor_id, day, plugin_id, currency, orders, gross, refunds, commission
FROM unnest($1::uuid[], $2::date[], $3::uuid[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])
    AS n (vendor_id, day, plugin_id, currency, orders, gross, refunds, commission)
ON CONFLICT (vendor_id, day, plugin_id, currency) DO UPDATE
SET orders = m.orders + excluded.orders, gross = m.gross + excluded.gross, refunds = m.refunds + excluded.refunds,
    commission = m.commission + excluded.commission
