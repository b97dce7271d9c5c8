CREATE TABLE reviews_person (
    user_id      uuid PRIMARY KEY,
    -- As the log keeps it, of the event that `named_by` is.
    display_name text NOT NULL,
    named_by     uuid NOT NULL
);

CREATE TABLE reviews_review (
    review_id  uuid        PRIMARY KEY,
    plugin_id  uuid        NOT NULL,
    user_id    uuid        NOT NULL,
    rating     smallint    NOT NULL,
    -- As the log keeps them, of the event that `written_by` is.
    title      text        NOT NULL,
    body       text        NOT NULL,
    written_by uuid        NOT NULL,
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
