SELECT outcomes, versions, positions
FROM souk_log.append(false, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
