UPDATE library_subscription s
SET standing = coalesce(n.standing, s.standing), period_end = coalesce(n.period_end, s.period_end),
    ends_then = coalesce(n.ends_then, s.ends_then)
FROM jsonb_to_recordset($1) AS n (subscription_id uuid, standing text, period_end timestamptz, ends_then boolean)
WHERE s.subscription_id = n.subscription_id
