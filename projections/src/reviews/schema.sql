CREATE TABLE reviews_person (
    user_id      uuid PRIMARY KEY,
    -- Absent once it was erased.
    display_name text
);

CREATE TABLE reviews_review (
    review_id  uuid        PRIMARY KEY,
    plugin_id  uuid        NOT NULL,
    user_id    uuid        NOT NULL,
    rating     smallint    NOT NULL,
    title      text,
    body       text,
    version    text        NOT NULL,
    -- live, hidden or retracted
    status     text        NOT NULL,
    created_at timestamptz NOT NULL,
    edited_at  timestamptz,
    reply      text,
    replied_at timestamptz,
    position   bigint      NOT NULL
);

-- How many live reviews gave how many stars.
CREATE TABLE reviews_summary (
    plugin_id uuid   PRIMARY KEY,
    stars_1   bigint NOT NULL,
    stars_2   bigint NOT NULL,
    stars_3   bigint NOT NULL,
    stars_4   bigint NOT NULL,
    stars_5   bigint NOT NULL
);
