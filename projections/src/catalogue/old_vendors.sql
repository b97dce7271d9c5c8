UPDATE catalogue_vendor v
SET verified = v.verified OR n.verified, suspended = v.suspended OR n.suspended, changed = GREATEST(v.changed, n.changed)
FROM jsonb_to_recordset($1) AS n (vendor_id uuid, verified boolean, suspended boolean, changed bigint)
WHERE v.vendor_id = n.vendor_id
