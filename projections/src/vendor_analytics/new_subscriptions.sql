INSERT INTO vendor_analytics_subscription (subscription_id, vendor_id, plugin_id, currency, amount, yearly, started_on, paid_on, lapsed_on)
SELECT n.subscription_id, s.vendor_id, s.plugin_id, s.currency, s.amount, s.yearly, s.started_on, n.paid_on, n.lapsed_on
FROM jsonb_to_recordset($1) AS n (subscription_id uuid, paid_on date, lapsed_on date, started jsonb),
    jsonb_to_record(n.started) AS s (vendor_id uuid, plugin_id uuid, currency text, amount bigint, yearly boolean, started_on date)
ON CONFLICT (subscription_id) DO NOTHING
