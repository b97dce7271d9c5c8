CREATE INDEX library_installation_user ON library_installation (user_id, position DESC);
CREATE INDEX library_license_user ON library_license (user_id, position DESC);
CREATE INDEX library_order_user ON library_order (user_id, position DESC);
CREATE INDEX library_order_plugin ON library_order (plugin_id, position DESC);
