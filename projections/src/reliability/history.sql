-- The confidence that holds at each change is the last one before it; points and executions are running sums. Executions count at
-- the last one of their day.
WITH moves AS (
    SELECT position, at, cause, version, confidence, review_points, cross_check_points, 0::bigint AS succeeded, 0::bigint AS failed
    FROM reliability_change
    WHERE plugin_id = $1
    UNION ALL
    SELECT position, at, 'executions', NULL, NULL, 0, 0, succeeded, failed
    FROM reliability_execution
    WHERE plugin_id = $1
), counted AS (
    SELECT position, at, cause, version, confidence,
        count(confidence) OVER w AS validations, sum(review_points) OVER w AS points,
        sum(cross_check_points) OVER w AS cross_checks,
        sum(succeeded) OVER w AS succeeded, sum(failed) OVER w AS failed
    FROM moves
    WINDOW w AS (ORDER BY position)
), scored AS (
    SELECT position, at, cause, version, validations,
        LEAST(100, GREATEST(0, max(confidence) OVER (PARTITION BY validations) + LEAST(10, GREATEST(-30, points))
            + div(10 * succeeded - 40 * failed, 20 + succeeded + failed) + cross_checks))::bigint AS score
    FROM counted
), moved AS (
    SELECT position, at, cause, version, CASE WHEN validations > 0 THEN score END AS score FROM scored
)
SELECT at, position, cause, version, score - lag(score) OVER (ORDER BY position) AS delta, score
FROM moved
ORDER BY position DESC
LIMIT $2
