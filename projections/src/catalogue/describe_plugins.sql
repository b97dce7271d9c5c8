UPDATE catalogue_plugin p
SET display_name = n.display_name, summary = n.summary, description = n.description, tags = n.tags, media = n.media,
    complexity = n.complexity, setup_minutes = n.setup_minutes, requirements = n.requirements
FROM jsonb_to_recordset($1) AS n (plugin_id uuid, display_name text, summary text, description text, tags text[], media jsonb,
    complexity text, setup_minutes integer, requirements text[])
WHERE p.plugin_id = n.plugin_id
