-- The confidence that holds at each change is the last one before it; points are running sums.
WITH counted AS (
    SELECT position, at, cause, version, confidence,
        count(confidence) OVER w AS validations, sum(review_points) OVER w AS points
    FROM reliability_change
    WHERE plugin_id = $1
    WINDOW w AS (ORDER BY position)
), scored AS (
    SELECT position, at, cause, version,
        LEAST(100, GREATEST(0, max(confidence) OVER (PARTITION BY validations) + LEAST(10, GREATEST(-30, points))))::bigint AS score,
        validations
    FROM counted
), moved AS (
    SELECT position, at, cause, version, CASE WHEN validations > 0 THEN score END AS score FROM scored
)
SELECT at, position, cause, version, score - lag(score) OVER (ORDER BY position) AS delta, score
FROM moved
ORDER BY position DESC
LIMIT $2
