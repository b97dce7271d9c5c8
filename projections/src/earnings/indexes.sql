-- For lists, in order of the log.
CREATE INDEX earnings_entry_vendor ON earnings_entry (vendor_id, position) WHERE account IN ('vendor', 'transfer', 'payout');
-- What is held back is among the latest payments.
CREATE INDEX earnings_entry_held ON earnings_entry (vendor_id, currency, paid_at) INCLUDE (amount)
    WHERE account = 'vendor' AND kind = 'payment';
CREATE INDEX earnings_payout_vendor ON earnings_payout (vendor_id, position DESC);
CREATE INDEX earnings_payout_batch ON earnings_payout (batch_id) WHERE batch_id IS NOT NULL;
CREATE INDEX earnings_invoice_vendor ON earnings_invoice (vendor_id, position DESC);
CREATE INDEX earnings_invoice_order ON earnings_invoice (order_id, position DESC);
