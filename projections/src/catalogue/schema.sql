CREATE TABLE catalogue_vendor (
    vendor_id     uuid        PRIMARY KEY,
    owner_id      uuid        NOT NULL,
    name          text        NOT NULL,
    slug          text        NOT NULL,
    verified      boolean     NOT NULL,
    suspended     boolean     NOT NULL,
    registered_at timestamptz NOT NULL,
    position      bigint      NOT NULL
);

CREATE TABLE catalogue_plugin (
    plugin_id      uuid        PRIMARY KEY,
    vendor_id      uuid        NOT NULL,
    name           text        NOT NULL,
    name_key       text        NOT NULL,
    display_name   text        NOT NULL,
    summary        text        NOT NULL,
    description    text        NOT NULL,
    tags           text[]      NOT NULL,
    media          jsonb       NOT NULL,
    complexity     text,
    setup_minutes  integer,
    requirements   text[]      NOT NULL,
    pricing        jsonb       NOT NULL,
    terms          jsonb       NOT NULL,
    published      boolean     NOT NULL DEFAULT false,
    suspended      text,
    deprecated     text,
    latest_version text,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL
);

-- What searches filter, count and sort by. Apart from the page, so that a counter rewrites a small row, and apart from the
-- documents, so that it touches no full-text index.
CREATE TABLE catalogue_rank (
    plugin_id       uuid     PRIMARY KEY,
    position        bigint   NOT NULL,
    listed          boolean  NOT NULL DEFAULT false,
    kind            text     NOT NULL,
    category        text     NOT NULL,
    license         text     NOT NULL,
    pricing_model   text     NOT NULL,
    tags            text[]   NOT NULL,
    installs        bigint   NOT NULL DEFAULT 0,
    active_installs bigint   NOT NULL DEFAULT 0,
    rating_sum      bigint   NOT NULL DEFAULT 0,
    rating_count    bigint   NOT NULL DEFAULT 0,
    confidence      smallint,
    review_points   bigint   NOT NULL DEFAULT 0,
    -- The Bayesian mean in thousandths of a star: five imagined reviews of 3.5 stars stand beside the real ones.
    rating_rank     bigint   NOT NULL GENERATED ALWAYS AS ((17500 + 1000 * rating_sum) / (5 + GREATEST(rating_count, 0))) STORED,
    reliability     smallint GENERATED ALWAYS AS (CASE WHEN confidence IS NOT NULL THEN
        LEAST(100, GREATEST(0, confidence + LEAST(10, GREATEST(-30, review_points))))::smallint END) STORED
);

CREATE TABLE catalogue_document (
    plugin_id  uuid     PRIMARY KEY,
    name_words text     NOT NULL,
    -- Names, tags and category (A), summary (B): what relevance is judged by. Small, so that ranking stays cheap.
    head       tsvector NOT NULL,
    -- The head and the description (C): what is searched.
    document   tsvector NOT NULL
);

CREATE TABLE catalogue_version (
    plugin_id    uuid        NOT NULL,
    version      text        NOT NULL,
    -- Orders by bytes as semver orders.
    sort_key     bytea       NOT NULL,
    prerelease   boolean     NOT NULL,
    digest       text        NOT NULL,
    size         bigint      NOT NULL,
    -- 0 submitted, 1 validating, 2 needs review, 3 approved, 4 rejected, 5 yanked
    status       smallint    NOT NULL,
    confidence   smallint,
    submitted_at timestamptz NOT NULL,
    PRIMARY KEY (plugin_id, version)
);

-- The words of names, tags and categories, to find what a misspelled word meant.
CREATE TABLE catalogue_word (
    word text   PRIMARY KEY,
    uses bigint NOT NULL
);

-- The query for `words`, which hold letters and digits only: each as it is or by its stem, the last one as a prefix when
-- `prefix`, all of them when `every`, else any.
CREATE FUNCTION catalogue_query(words text[], prefix boolean, every boolean) RETURNS tsquery
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(string_agg(
        '(' || CASE WHEN numnode(to_tsquery('pg_catalog.english', word)) > 0
                    THEN to_tsquery('pg_catalog.english', word)::text || ' | ' ELSE '' END
            || '''' || word || '''' || CASE WHEN prefix AND n = cardinality(words) THEN ':*' ELSE '' END || ')',
        CASE WHEN every THEN ' & ' ELSE ' | ' END ORDER BY n), '')::tsquery
    FROM unnest(words) WITH ORDINALITY AS given (word, n)
$$;

-- The words of `text`, as they are and by their stems.
CREATE FUNCTION catalogue_words(text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT to_tsvector('pg_catalog.simple', $1) || to_tsvector('pg_catalog.english', $1)
$$;
