-- Delivers what is not there yet, and lets a mail wait only for that; remembers how far an announcement has come. One statement, so
-- all or nothing. How many were new.
WITH given AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::jsonb[], $5::timestamptz[], $6::boolean[], $7::boolean[])
        AS given (notice, person, kind, details, happened, in_app, mail)
), told AS (
    INSERT INTO souk_ops.notice (notice, person, kind, details, happened, in_app)
    SELECT notice, person, kind, details, happened, in_app FROM given ORDER BY notice
    ON CONFLICT (notice) DO NOTHING
    RETURNING notice
), mailed AS (
    INSERT INTO souk_ops.mail (notice) SELECT notice FROM told JOIN given USING (notice) WHERE given.mail
), reached AS (
    INSERT INTO souk_ops.notice_round (event, person) SELECT $8, $9 WHERE $8::uuid IS NOT NULL
    ON CONFLICT (event) DO UPDATE SET person = excluded.person, came_at = now()
)
SELECT count(*) FROM told
