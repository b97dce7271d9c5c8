CREATE TABLE reliability_plugin (
    plugin_id          uuid     PRIMARY KEY,
    -- Of the validation that was concluded last.
    confidence         smallint,
    version            text,
    review_points      bigint   NOT NULL,
    -- Executions that answered, and that did not by the plugin's own fault.
    succeeded          bigint   NOT NULL,
    failed             bigint   NOT NULL,
    cross_check_points bigint   NOT NULL,
    score              smallint GENERATED ALWAYS AS (CASE WHEN confidence IS NOT NULL THEN
        LEAST(100, GREATEST(0, confidence + LEAST(10, GREATEST(-30, review_points))
            + (10 * succeeded - 40 * failed) / (20 + succeeded + failed) + cross_check_points))::smallint END) STORED
);

-- Every event that moved a plugin's reliability. Running sums over it are the history of the score.
CREATE TABLE reliability_change (
    plugin_id     uuid        NOT NULL,
    position      bigint      NOT NULL,
    at            timestamptz NOT NULL,
    cause         text        NOT NULL,
    version       text,
    confidence    smallint,
    review_points integer     NOT NULL,
    -- Of two runs of its samples that were compared.
    cross_check_points integer NOT NULL,
    PRIMARY KEY (plugin_id, position)
);

-- Outcomes of executions by day: each by itself would be as many rows as there are executions.
CREATE TABLE reliability_execution (
    plugin_id uuid        NOT NULL,
    day       date        NOT NULL,
    succeeded bigint      NOT NULL,
    failed    bigint      NOT NULL,
    -- Of the day's last one.
    position  bigint      NOT NULL,
    at        timestamptz NOT NULL,
    PRIMARY KEY (plugin_id, day)
);

CREATE TABLE reliability_validation (
    validation_id uuid        PRIMARY KEY,
    plugin_id     uuid        NOT NULL,
    version       text        NOT NULL,
    digest        text        NOT NULL,
    pipeline      text[]      NOT NULL,
    confidence    smallint,
    verdict       text,
    report        text,
    thresholds    jsonb,
    escalated     text,
    adjudicated   text,
    adjudication  text,
    requested_at  timestamptz NOT NULL,
    concluded_at  timestamptz,
    position      bigint      NOT NULL
);

CREATE TABLE reliability_step (
    validation_id uuid        NOT NULL,
    name          text        NOT NULL,
    position      bigint      NOT NULL,
    outcome       text        NOT NULL,
    penalty       smallint    NOT NULL,
    findings      jsonb       NOT NULL,
    finding_count bigint      NOT NULL,
    completed_at  timestamptz NOT NULL,
    PRIMARY KEY (validation_id, name)
);

-- Two runs of a version's samples that were compared.
CREATE TABLE reliability_cross_check (
    plugin_id     uuid        NOT NULL,
    position      bigint      NOT NULL,
    validation_id uuid        NOT NULL,
    at            timestamptz NOT NULL,
    version       text        NOT NULL,
    samples       bigint      NOT NULL,
    -- The consensus of each attempt, thousandths; and that of the last, which counts.
    attempts      jsonb       NOT NULL,
    consensus     smallint    NOT NULL,
    PRIMARY KEY (plugin_id, position)
);

-- What failed alike: executions by their code, findings of validations by their rule. As many rows as there are codes and versions.
CREATE TABLE reliability_failure (
    plugin_id uuid        NOT NULL,
    -- `execution` or `validation`.
    source    text        NOT NULL,
    code      text        NOT NULL,
    -- Whose fault it was, or how severe it is.
    nature    text        NOT NULL,
    version   text        NOT NULL,
    count     bigint      NOT NULL,
    first_at  timestamptz NOT NULL,
    last_at   timestamptz NOT NULL,
    PRIMARY KEY (plugin_id, source, code, nature, version)
);
