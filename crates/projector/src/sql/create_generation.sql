INSERT INTO souk_ops.projection_generation (projection, generation, schema_name, schema_version, state, live_at, skipped)
SELECT $1, next, 'souk_' || $1 || '_g' || next, $2, $3, CASE WHEN $3 = 'live' THEN now() END, $4
FROM (SELECT coalesce(max(generation), 0) + 1 AS next FROM souk_ops.projection_generation WHERE projection = $1) AS numbered
RETURNING projection, generation, schema_name, schema_version, skipped
