INSERT INTO catalogue_word (word, uses)
SELECT word, uses FROM unnest($1::text[], $2::bigint[]) AS n (word, uses)
ON CONFLICT (word) DO UPDATE SET uses = catalogue_word.uses + excluded.uses
