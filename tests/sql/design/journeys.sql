SELECT
  user_id,
  ARRAY_AGG(
    STRUCT(
      start_time,
      name AS action,
      duration_ms
    )
    ORDER BY start_time
  ) AS user_journey,
  COUNT(*) AS total_actions,
  SUM(duration_ms) AS total_duration
FROM `observability.traces`
WHERE user_id IS NOT NULL
  AND DATE(start_time) = CURRENT_DATE()
GROUP BY user_id
HAVING total_actions > 5
ORDER BY total_duration DESC
LIMIT 100;
