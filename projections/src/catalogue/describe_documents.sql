WITH written AS (
    SELECT d.plugin_id,
        setweight(catalogue_words(d.name_words || ' ' || n.head_words), 'A') || setweight(catalogue_words(n.summary_words), 'B') AS head,
        setweight(catalogue_words(n.description_words), 'C') AS rest
    FROM jsonb_to_recordset($1) AS n (plugin_id uuid, head_words text, summary_words text, description_words text)
    JOIN catalogue_document d ON d.plugin_id = n.plugin_id
)
UPDATE catalogue_document d
SET head = w.head, document = w.head || w.rest
FROM written w
WHERE d.plugin_id = w.plugin_id
