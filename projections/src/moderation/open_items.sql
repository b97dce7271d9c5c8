WHERE i.decided IS NULL AND ($1::text IS NULL OR i.subject = $1) AND ($2::bigint IS NULL OR i.opened > $2)
ORDER BY i.opened
LIMIT $3
