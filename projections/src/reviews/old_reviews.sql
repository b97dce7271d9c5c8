UPDATE reviews_review r
SET rating = CASE WHEN n.edited_at IS NULL THEN r.rating ELSE (n.text ->> 'rating')::smallint END,
    title = CASE WHEN n.edited_at IS NULL THEN r.title ELSE n.text ->> 'title' END,
    body = CASE WHEN n.edited_at IS NULL THEN r.body ELSE n.text ->> 'body' END,
    written_by = CASE WHEN n.edited_at IS NULL THEN r.written_by ELSE (n.text ->> 'written_by')::uuid END,
    edited_at = coalesce(n.edited_at, r.edited_at), status = coalesce(n.status, r.status),
    reply = coalesce(n.reply, r.reply), replied_at = coalesce(n.replied_at, r.replied_at)
FROM jsonb_to_recordset($1) AS n (review_id uuid, text jsonb, edited_at timestamptz, status text, reply text,
    replied_at timestamptz)
WHERE r.review_id = n.review_id
