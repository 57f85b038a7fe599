CREATE TABLE `observability.traces` (
  trace_id STRING NOT NULL,
  span_id STRING NOT NULL,
  parent_span_id STRING,
  trace_state STRING,
  name STRING NOT NULL,
  kind STRING,
  start_time TIMESTAMP NOT NULL,
  end_time TIMESTAMP NOT NULL,
  duration_ms FLOAT64,
  status_code STRING,
  status_message STRING,
  
  -- Resource attributes
  service_name STRING,
  service_version STRING,
  deployment_environment STRING,
  
  -- Span attributes
  http_method STRING,
  http_status_code INT64,
  http_url STRING,
  http_target STRING,
  user_id STRING,
  
  -- Custom business attributes
  order_id STRING,
  payment_method STRING,
  error_type STRING,
  
  attributes ARRAY<STRUCT<key STRING, value STRING>>,
  events ARRAY<STRUCT<
    timestamp TIMESTAMP,
    name STRING,
    attributes ARRAY<STRUCT<key STRING, value STRING>>
  >>
)
PARTITION BY DATE(start_time)
CLUSTER BY service_name, name;
