SELECT r.review_id, r.plugin_id, r.user_id, p.display_name, p.named_by, r.rating, r.title, r.body, r.written_by, r.version, r.status, r.created_at,
    r.edited_at, r.reply, r.replied_at, r.position
FROM reviews_review r
LEFT JOIN reviews_person p ON p.user_id = r.user_id
WHERE r.user_id = $1 AND r.status <> 'retracted'
ORDER BY r.position
