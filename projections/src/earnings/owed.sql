-- Whom anything is owed to in a currency; what of it may be paid out is for each vendor's stream to say.
SELECT vendor_id
FROM earnings_day
WHERE currency = $1 AND account = 'vendor'
GROUP BY vendor_id
HAVING sum(amount) < 0
ORDER BY vendor_id
