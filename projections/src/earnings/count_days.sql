INSERT INTO earnings_day AS d (vendor_id, currency, day, account, kind, amount)
SELECT vendor_id, currency, day, account, kind, amount
FROM unnest($1::uuid[], $2::text[], $3::date[], $4::text[], $5::text[], $6::bigint[]) AS n (vendor_id, currency, day, account, kind, amount)
ON CONFLICT (vendor_id, currency, day, account, kind) DO UPDATE SET amount = d.amount + excluded.amount
