SELECT EXISTS (SELECT FROM catalogue_document d WHERE d.document @@ catalogue_query(ARRAY[word], n = cardinality($1), true))
FROM unnest($1::text[]) WITH ORDINALITY AS given (word, n)
ORDER BY n
