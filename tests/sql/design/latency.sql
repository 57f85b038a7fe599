SELECT
  service_name,
  name AS endpoint,
  COUNT(*) AS request_count,
  APPROX_QUANTILES(duration_ms, 100)[OFFSET(50)] AS p50_latency,
  APPROX_QUANTILES(duration_ms, 100)[OFFSET(95)] AS p95_latency,
  APPROX_QUANTILES(duration_ms, 100)[OFFSET(99)] AS p99_latency,
  COUNTIF(status_code = 'ERROR') AS error_count,
  COUNTIF(status_code = 'ERROR') / COUNT(*) * 100 AS error_rate
FROM `observability.traces`
WHERE DATE(start_time) >= DATE_SUB(CURRENT_DATE(), INTERVAL 7 DAY)
  AND kind = 'SERVER'
GROUP BY service_name, endpoint
ORDER BY request_count DESC
LIMIT 20;
