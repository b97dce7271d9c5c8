CREATE INDEX library_installation_user ON library_installation (user_id, position DESC);
CREATE INDEX library_license_user ON library_license (user_id, position DESC);
CREATE INDEX library_order_user ON library_order (user_id, position DESC);
CREATE INDEX library_order_plugin ON library_order (plugin_id, position DESC);
CREATE INDEX library_subscription_user ON library_subscription (user_id, position DESC);
-- For whoever looks for what is due.
CREATE INDEX library_license_due ON library_license (expires_at) WHERE NOT expired AND expires_at IS NOT NULL;
CREATE INDEX library_subscription_due ON library_subscription (period_end) WHERE standing <> 'lapsed' AND gateway = 'manual';
-- For whoever tells all who have a plugin.
CREATE INDEX library_installation_plugin ON library_installation (plugin_id, user_id) WHERE status <> 'uninstalled';
