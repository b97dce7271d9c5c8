INSERT INTO reliability_failure AS f (plugin_id, source, code, nature, version, count, first_at, last_at)
SELECT plugin_id, source, code, nature, version, count, first_at, last_at
FROM jsonb_to_recordset($1) AS n (plugin_id uuid, source text, code text, nature text, version text, count bigint,
    first_at timestamptz, last_at timestamptz)
ON CONFLICT (plugin_id, source, code, nature, version) DO UPDATE
SET count = f.count + excluded.count, first_at = LEAST(f.first_at, excluded.first_at),
    last_at = GREATEST(f.last_at, excluded.last_at)
