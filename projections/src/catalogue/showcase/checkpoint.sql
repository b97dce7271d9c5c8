-- The least position that every partition of the generation in schema $1 has reached.
SELECT min(c.position)
FROM souk_ops.projection_generation g
JOIN souk_ops.projection_checkpoint c ON c.projection = g.projection AND c.generation = g.generation
WHERE g.projection = 'catalogue' AND g.schema_name = $1
