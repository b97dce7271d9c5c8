SELECT CASE WHEN grouping(kind) = 0 THEN 'kind' WHEN grouping(category) = 0 THEN 'category'
            WHEN grouping(license) = 0 THEN 'license' WHEN grouping(pricing_model) = 0 THEN 'pricing' ELSE 'total' END AS facet,
       coalesce(kind, category, license, pricing_model, '') AS value, count(*) AS plugins
FROM matched
GROUP BY GROUPING SETS ((kind), (category), (license), (pricing_model), ())
UNION ALL
SELECT 'tag', tag, count(*) FROM matched, unnest(tags) AS tag GROUP BY tag
ORDER BY 3 DESC, 2
