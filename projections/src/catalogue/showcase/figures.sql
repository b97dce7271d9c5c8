p.plugin_id, p.described, p.published AND p.suspended IS NULL AS listed, p.vendor_id, coalesce(p.pricing ->> 'model', '') AS pricing,
r.installs, r.rating_rank AS rating, coalesce(r.reliability, 0)::bigint AS reliability
