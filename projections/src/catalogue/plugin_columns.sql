p.plugin_id AS id, p.name, p.display_name, to_jsonb(p.kind) AS kind, p.summary, p.description, p.category, p.tags, p.license,
p.pricing, p.terms, p.vendor_id, coalesce(v.name, '') AS vendor_name, coalesce(v.slug, '') AS vendor_slug,
coalesce(v.verified, false) AS vendor_verified,
to_jsonb(CASE WHEN p.suspended IS NOT NULL THEN 'suspended' WHEN p.deprecated IS NOT NULL THEN 'deprecated'
              WHEN p.published THEN 'published' ELSE 'draft' END) AS status,
p.latest_version, r.reliability, r.rating_sum, r.rating_count, r.installs, r.downloads, p.created_at, p.updated_at, p.media,
to_jsonb(p.complexity) AS complexity, p.setup_minutes, p.requirements, p.deprecated
FROM catalogue_plugin p
JOIN catalogue_rank r ON r.plugin_id = p.plugin_id
LEFT JOIN catalogue_vendor v ON v.vendor_id = p.vendor_id
