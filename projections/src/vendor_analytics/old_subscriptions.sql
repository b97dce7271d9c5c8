UPDATE vendor_analytics_subscription s
SET paid_on = coalesce(s.paid_on, n.paid_on), lapsed_on = coalesce(s.lapsed_on, n.lapsed_on)
FROM jsonb_to_recordset($1) AS n (subscription_id uuid, paid_on date, lapsed_on date)
WHERE s.subscription_id = n.subscription_id
