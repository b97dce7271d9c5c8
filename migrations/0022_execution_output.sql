-- Outputs of executions, for a day. They may be personal, so they are no events; each is sealed with its user's key.
CREATE TABLE souk_ops.execution_output (
    execution uuid        PRIMARY KEY,
    sealed    jsonb       NOT NULL,
    kept_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX execution_output_kept_at ON souk_ops.execution_output (kept_at);
