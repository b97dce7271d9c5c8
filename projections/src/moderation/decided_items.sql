WHERE i.decided IS NOT NULL AND ($1::text IS NULL OR i.subject = $1) AND ($2::bigint IS NULL OR i.decided < $2)
ORDER BY i.decided DESC
LIMIT $3
