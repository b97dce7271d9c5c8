CREATE INDEX vendor_analytics_order_vendor ON vendor_analytics_order (vendor_id, placed_on);
CREATE INDEX vendor_analytics_subscription_vendor ON vendor_analytics_subscription (vendor_id);
