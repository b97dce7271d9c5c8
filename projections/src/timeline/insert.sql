INSERT INTO timeline_event (plugin_id, position, event_id, event_type, recorded_at, stream, version, vendor_id)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::timestamptz[], $6::text[], $7::bigint[], $8::uuid[])
