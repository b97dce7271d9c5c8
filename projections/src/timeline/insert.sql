INSERT INTO timeline_event (plugin_id, position) SELECT * FROM unnest($1::uuid[], $2::bigint[])
