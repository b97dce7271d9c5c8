SELECT coalesce(-sum(amount), 0)::bigint FROM earnings_day WHERE vendor_id = $1 AND currency = $2 AND account = 'vendor' AND day < $3
