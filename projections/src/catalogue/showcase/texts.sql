p.name, p.name_key, p.display_name, p.summary, p.description, p.category, p.tags, p.kind, p.license, p.position AS born
FROM catalogue_plugin p
JOIN catalogue_rank r ON r.plugin_id = p.plugin_id
