CREATE TABLE catalogue_vendor (
    vendor_id     uuid        PRIMARY KEY,
    owner_id      uuid        NOT NULL,
    name          text        NOT NULL,
    slug          text        NOT NULL,
    verified      boolean     NOT NULL,
    suspended     boolean     NOT NULL,
    registered_at timestamptz NOT NULL,
    position      bigint      NOT NULL,
    -- Position of the last event that changed this row.
    changed       bigint      NOT NULL
);

CREATE TABLE catalogue_plugin (
    plugin_id      uuid        PRIMARY KEY,
    vendor_id      uuid        NOT NULL,
    name           text        NOT NULL,
    name_key       text        NOT NULL,
    display_name   text        NOT NULL,
    kind           text        NOT NULL,
    summary        text        NOT NULL,
    description    text        NOT NULL,
    category       text        NOT NULL,
    tags           text[]      NOT NULL,
    license        text        NOT NULL,
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
    -- To which version its vendor went back last, and the position of the event that did.
    rolled_back_to text,
    rolled_back_at bigint,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    -- Position of the event that created it.
    position       bigint      NOT NULL,
    -- Position of the event that wrote what it says of itself: whoever keeps the words elsewhere knows whether they are old.
    described      bigint      NOT NULL
);

-- Counters, apart from the page, so that counting rewrites a small row.
CREATE TABLE catalogue_rank (
    plugin_id       uuid     PRIMARY KEY,
    installs        bigint   NOT NULL DEFAULT 0,
    active_installs bigint   NOT NULL DEFAULT 0,
    -- Each user, version and UTC day once.
    downloads       bigint   NOT NULL DEFAULT 0,
    rating_sum      bigint   NOT NULL DEFAULT 0,
    rating_count    bigint   NOT NULL DEFAULT 0,
    confidence      smallint,
    review_points   bigint   NOT NULL DEFAULT 0,
    succeeded       bigint   NOT NULL DEFAULT 0,
    failed          bigint   NOT NULL DEFAULT 0,
    cross_check_points bigint NOT NULL DEFAULT 0,
    -- The Bayesian mean in thousandths of a star: five imagined reviews of 3.5 stars stand beside the real ones.
    rating_rank     bigint   NOT NULL GENERATED ALWAYS AS ((17500 + 1000 * rating_sum) / (5 + GREATEST(rating_count, 0))) STORED,
    reliability     smallint GENERATED ALWAYS AS (CASE WHEN confidence IS NOT NULL THEN
        LEAST(100, GREATEST(0, confidence + LEAST(10, GREATEST(-30, review_points))
            + (10 * succeeded - 40 * failed) / (20 + succeeded + failed) + cross_check_points))::smallint END) STORED,
    -- Position of the last event that changed the page: this row, the plugin's, or its latest version.
    changed         bigint   NOT NULL
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
    -- Whether its vendor signed it.
    signed       boolean     NOT NULL,
    submitted_at timestamptz NOT NULL,
    -- Position of the event that approved it.
    approved_at  bigint,
    PRIMARY KEY (plugin_id, version)
);

-- What `catalogue_rank.downloads` has counted.
CREATE TABLE catalogue_download (
    plugin_id uuid NOT NULL,
    user_id   uuid NOT NULL,
    version   text NOT NULL,
    day       date NOT NULL,
    PRIMARY KEY (plugin_id, user_id, version, day)
);
