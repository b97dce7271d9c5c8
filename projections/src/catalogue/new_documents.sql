INSERT INTO catalogue_document (plugin_id, name_words, head, document)
SELECT plugin_id, name_words, '', ''
FROM jsonb_to_recordset($1) AS n (plugin_id uuid, name_words text)
ON CONFLICT (plugin_id) DO NOTHING
