-- In one statement, so that checkpoint and rows are of one moment. Whoever plans it without its arguments takes what lies between two
-- bounds for little, which it is, and what lies above one for a third of all.
WITH here AS (
    SELECT min(c.position) AS checkpoint
    FROM souk_ops.projection_generation g
    JOIN souk_ops.projection_checkpoint c ON c.projection = g.projection AND c.generation = g.generation
    WHERE g.projection = 'catalogue' AND g.schema_name = $1
)
SELECT here.checkpoint, changed.*,
    ARRAY(SELECT v.vendor_id FROM catalogue_vendor v WHERE v.changed > $2 AND v.changed < 9223372036854775807) AS vendors
FROM here
LEFT JOIN (
    SELECT /*figures*/
    FROM catalogue_rank r
    JOIN catalogue_plugin p ON p.plugin_id = r.plugin_id
    WHERE r.changed > $2 AND r.changed < 9223372036854775807
) changed ON true
