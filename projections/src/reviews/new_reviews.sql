INSERT INTO reviews_review (review_id, plugin_id, user_id, rating, title, body, written_by, version, status, created_at, edited_at, reply,
    replied_at, position)
SELECT n.review_id, s.plugin_id, s.user_id, t.rating, t.title, t.body, t.written_by, s.version, n.status, s.created_at, n.edited_at, n.reply,
    n.replied_at, s.position
FROM jsonb_to_recordset($1) AS n (review_id uuid, status text, edited_at timestamptz, reply text, replied_at timestamptz,
        submitted jsonb, text jsonb),
    jsonb_to_record(n.submitted) AS s (plugin_id uuid, user_id uuid, version text, created_at timestamptz, position bigint),
    jsonb_to_record(n.text) AS t (rating smallint, title text, body text, written_by uuid)
ON CONFLICT (review_id) DO UPDATE
SET rating = excluded.rating, title = excluded.title, body = excluded.body, written_by = excluded.written_by, version = excluded.version,
    status = excluded.status, created_at = excluded.created_at, edited_at = excluded.edited_at, reply = excluded.reply,
    replied_at = excluded.replied_at, position = excluded.position
