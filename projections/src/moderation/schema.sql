-- What waits, or waited, for a moderator: a version, whose validation's id it has, or a review.
CREATE TABLE moderation_item (
    item_id    uuid        PRIMARY KEY,
    -- version or review
    subject    text        NOT NULL,
    plugin_id  uuid        NOT NULL,
    version    text,
    -- escalated, appealed or flagged
    why        text        NOT NULL,
    -- What was said last by whoever asks for a moderator; of reviews as the log keeps it, sealed with the key of the person.
    reason     text        NOT NULL,
    -- The event that it is sealed for; of reviews only.
    told_by    uuid,
    -- How often one was asked for since the item is open.
    reports    integer     NOT NULL,
    since      timestamptz NOT NULL,
    -- Position of the event that opened it.
    opened     bigint      NOT NULL,
    -- Absent while it is open. For versions: approved, rejected, overturned, upheld; for reviews: kept, hidden, edited, retracted.
    decision   text,
    decided_at timestamptz,
    -- Position of the event that closed it.
    decided    bigint
);

-- Everything that moderators ever decided about versions and reviews.
CREATE TABLE moderation_decision (
    item_id    uuid        NOT NULL,
    position   bigint      NOT NULL,
    decision   text        NOT NULL,
    reason     text,
    -- Absent when it was done at the command line of the server.
    decided_by uuid,
    decided_at timestamptz NOT NULL,
    PRIMARY KEY (item_id, position)
);

-- How far two runs of a version's samples agreed.
CREATE TABLE moderation_cross_check (
    validation_id uuid    PRIMARY KEY,
    samples       bigint  NOT NULL,
    -- The consensus of each attempt, thousandths; the last one counts.
    attempts      jsonb   NOT NULL
);
