-- The confidence that holds at each change is the last one before it; points and executions are running sums. Executions count at
-- the last one of their day. What lies behind a page does not matter to it.
WITH moves AS (
    SELECT position, at, cause, version, confidence, review_points, cross_check_points, 0::bigint AS succeeded, 0::bigint AS failed
    FROM reliability_change
    WHERE plugin_id = $1 AND position < $2
    UNION ALL
    SELECT position, at, 'executions', NULL, NULL, 0, 0, succeeded, failed
    FROM reliability_execution
    WHERE plugin_id = $1 AND position < $2
), counted AS (
    SELECT *, count(confidence) OVER w AS validations, sum(review_points) OVER w AS review_sum,
        sum(cross_check_points) OVER w AS cross_checks,
        sum(succeeded) OVER w AS all_succeeded, sum(failed) OVER w AS all_failed
    FROM moves
    WINDOW w AS (ORDER BY position)
), parted AS (
    SELECT *, max(confidence) OVER (PARTITION BY validations) AS validation,
        div(10 * all_succeeded - 40 * all_failed, 20 + all_succeeded + all_failed) AS executions
    FROM counted
), summed AS (
    SELECT *, validation + LEAST(10, GREATEST(-30, review_sum)) + executions + cross_checks AS total,
        coalesce(validation, 0) - coalesce(lag(validation) OVER w, 0) + review_points + cross_check_points
            + executions - coalesce(lag(executions) OVER w, 0) AS points
    FROM parted
    WINDOW w AS (ORDER BY position)
), scored AS (
    SELECT *, CASE WHEN validations > 0 THEN LEAST(100, GREATEST(0, total)) END AS score FROM summed
), moved AS (
    SELECT *, lag(score) OVER (ORDER BY position) AS before FROM scored
)
SELECT at, position, cause, version, points::bigint, before::bigint, (score - before)::bigint AS delta, score::bigint,
    coalesce(CASE WHEN before IS NULL THEN score <> total ELSE score - before <> points END, false) AS clamped,
    CASE WHEN cause = 'executions' THEN succeeded END AS succeeded, CASE WHEN cause = 'executions' THEN failed END AS failed
FROM moved
ORDER BY position DESC
LIMIT $3
