-- In one statement, so that checkpoint and rows are of one moment.
WITH here AS (
    SELECT min(c.position) AS checkpoint
    FROM souk_ops.projection_generation g
    JOIN souk_ops.projection_checkpoint c ON c.projection = g.projection AND c.generation = g.generation
    WHERE g.projection = 'catalogue' AND g.schema_name = $1
)
SELECT here.checkpoint, changed.*,
    ARRAY(SELECT v.vendor_id FROM catalogue_vendor v WHERE v.changed > $2) AS vendors
FROM here
LEFT JOIN (
    SELECT /*figures*/
    FROM catalogue_rank r
    JOIN catalogue_plugin p ON p.plugin_id = r.plugin_id
    WHERE r.changed > $2
) changed ON true
