CREATE INDEX catalogue_vendor_slug ON catalogue_vendor (slug);
CREATE INDEX catalogue_vendor_owner ON catalogue_vendor (owner_id, position);
CREATE INDEX catalogue_vendor_changed ON catalogue_vendor (changed);
CREATE INDEX catalogue_plugin_name ON catalogue_plugin (name_key);
CREATE INDEX catalogue_rank_changed ON catalogue_rank (changed);
