INSERT INTO reviews_person (user_id, display_name, named_by)
SELECT user_id, display_name, named_by
FROM jsonb_to_recordset($1) AS n (user_id uuid, display_name text, named_by uuid)
ON CONFLICT (user_id) DO UPDATE SET display_name = excluded.display_name, named_by = excluded.named_by
