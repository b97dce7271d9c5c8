CREATE INDEX reviews_review_plugin ON reviews_review (plugin_id, position DESC) WHERE status = 'live';
CREATE INDEX reviews_review_user ON reviews_review (user_id);
