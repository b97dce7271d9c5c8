UPDATE catalogue_plugin p
SET vendor_id = coalesce(n.vendor_id, p.vendor_id), published = p.published OR n.published,
    suspended = CASE WHEN n.suspension_changed THEN n.suspended ELSE p.suspended END,
    deprecated = coalesce(n.deprecated, p.deprecated), updated_at = n.updated_at,
    rolled_back_to = coalesce(n.rolled_back_to, p.rolled_back_to), rolled_back_at = coalesce(n.rolled_back_at, p.rolled_back_at)
FROM jsonb_to_recordset($1) AS n (plugin_id uuid, vendor_id uuid, published boolean, suspension_changed boolean,
    suspended text, deprecated text, updated_at timestamptz, rolled_back_to text, rolled_back_at bigint)
WHERE p.plugin_id = n.plugin_id
