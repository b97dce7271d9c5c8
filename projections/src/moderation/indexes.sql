CREATE INDEX moderation_item_open ON moderation_item (opened) WHERE decided IS NULL;
CREATE INDEX moderation_item_decided ON moderation_item (decided DESC) WHERE decided IS NOT NULL;
