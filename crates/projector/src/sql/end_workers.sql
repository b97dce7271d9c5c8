-- How many sessions hold locks on tables of the schema $1, but for this one. They are ended when $2.
SELECT count(CASE WHEN $2 THEN pg_terminate_backend(pid) ELSE true END)
FROM (
    SELECT DISTINCT l.pid FROM pg_locks l
    JOIN pg_class c ON c.oid = l.relation
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE n.nspname = $1 AND l.pid <> pg_backend_pid() AND a.usename = current_user AND a.backend_type = 'client backend'
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS workers
