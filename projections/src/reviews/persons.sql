INSERT INTO reviews_person (user_id, display_name)
SELECT user_id, display_name
FROM jsonb_to_recordset($1) AS n (user_id uuid, display_name text)
ON CONFLICT (user_id) DO UPDATE SET display_name = excluded.display_name
