UPDATE catalogue_plugin p
SET display_name = n.display_name, kind = n.kind, summary = n.summary, description = n.description, category = n.category,
    tags = n.tags, license = n.license, media = n.media, complexity = n.complexity, setup_minutes = n.setup_minutes,
    requirements = n.requirements, described = n.described
FROM jsonb_to_recordset($1) AS n (plugin_id uuid, display_name text, kind text, summary text, description text, category text,
    tags text[], license text, media jsonb, complexity text, setup_minutes integer, requirements text[], described bigint)
WHERE p.plugin_id = n.plugin_id
