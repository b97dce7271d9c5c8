SELECT p.payout_id AS id, p.vendor_id, p.amount, p.currency, p.status, p.batch_id, p.requested_at, p.settled_at, p.reference, p.reason,
    p.position, coalesce(v.name, '') AS vendor_name, coalesce(v.slug, '') AS vendor_slug
FROM earnings_payout p
LEFT JOIN catalogue_vendor v ON v.vendor_id = p.vendor_id
