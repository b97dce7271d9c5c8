UPDATE souk_ops.partner_webhook
SET types = $4,
    secret = $5,
    previous_secret = $6,
    previous_until = $7,
    disabled = $8,
    position = $9,
    attempts = $10,
    next_attempt_at = $11,
    generation = generation + 1,
    holder = NULL,
    held_until = NULL
WHERE webhook = $1 AND partner = $2 AND generation = $3
