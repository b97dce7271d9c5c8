SELECT word, uses FROM catalogue_word ORDER BY word OPERATOR(public.<->) $1, word LIMIT 30
