CREATE INDEX webhooks_webhook_place ON webhooks_webhook (position DESC);
-- For operators, and for whoever looks for what waits.
CREATE INDEX webhooks_webhook_open ON webhooks_webhook (state, position DESC) WHERE state <> 'settled';
CREATE INDEX webhooks_webhook_unmatched ON webhooks_webhook (position DESC) WHERE outcome = 'unmatched';
CREATE INDEX webhooks_webhook_names ON webhooks_webhook USING gin (names) WHERE state = 'waiting';
CREATE INDEX webhooks_webhook_order ON webhooks_webhook (order_id) WHERE order_id IS NOT NULL;
