UPDATE catalogue_vendor v
SET verified = v.verified OR n.verified, suspended = v.suspended OR n.suspended
FROM jsonb_to_recordset($1) AS n (vendor_id uuid, verified boolean, suspended boolean)
WHERE v.vendor_id = n.vendor_id
