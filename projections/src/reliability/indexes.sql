CREATE INDEX reliability_validation_plugin ON reliability_validation (plugin_id, position DESC);
