INSERT INTO catalogue_plugin (plugin_id, display_name, summary, description, tags, media, complexity, setup_minutes, requirements,
    kind, category, license, described, vendor_id, name, name_key, pricing, terms, published, suspended, deprecated, latest_version,
    rolled_back_to, rolled_back_at, created_at, updated_at, position)
SELECT plugin_id, display_name, summary, description, tags, media, complexity, setup_minutes, requirements,
    kind, category, license, described, vendor_id, name, name_key, pricing, terms, published, suspended, deprecated, latest_version,
    rolled_back_to, rolled_back_at, created_at, updated_at, position
FROM jsonb_to_recordset($1) AS n (plugin_id uuid, display_name text, summary text, description text, tags text[], media jsonb,
    complexity text, setup_minutes integer, requirements text[], kind text, category text, license text, described bigint,
    vendor_id uuid, name text, name_key text, pricing jsonb, terms jsonb, published boolean, suspended text, deprecated text,
    latest_version text, rolled_back_to text, rolled_back_at bigint, created_at timestamptz, updated_at timestamptz, position bigint)
ON CONFLICT (plugin_id) DO NOTHING
