-- A warehouse small enough to check by hand: the marts' columns that the report reads, with literal rows.
create schema marts;

create table marts.fct_latency_hourly (
    event_date date,
    hour_time timestamptz,
    deployment_environment varchar,
    service_namespace varchar,
    service_name varchar,
    operation varchar,
    http_method varchar,
    request_count double,
    error_count double,
    max_duration_ms double,
    slowest_trace_id varchar,
    error_trace_id varchar
);

insert into marts.fct_latency_hourly values
    ('2026-11-16', '2026-11-16 10:00:00+00', 'production', 'shop', 'order-service', '/api/orders', 'POST', 100, 1, 200, 'a0', 'f0'),
    ('2026-11-16', '2026-11-16 11:00:00+00', 'production', 'shop', 'order-service', '/api/orders', 'POST', 100, 1, 12, 'gone', null),
    ('2026-11-17', '2026-11-17 10:00:00+00', 'production', 'shop', 'order-service', '/api/orders', 'POST', 100, 60, 1500, 'a1', 'a1'),
    ('2026-11-17', '2026-11-17 11:00:00+00', 'production', 'shop', 'order-service', '/api/orders', 'POST', 100, 1, 10, 'a4', null),
    ('2026-11-16', '2026-11-16 10:00:00+00', 'production', 'shop', 'web', '/<img src=x onerror=window.wasRun=1>', 'GET', 40, 0, 20, 'w0', null),
    ('2026-11-17', '2026-11-17 10:00:00+00', 'production', 'shop', 'web', '</script>[red]' || chr(27) || '[31m', '(not set)', 20, 0, null, null, null),
    ('2026-11-17', '2026-11-17 10:00:00+00', 'staging', 'shop', 'web', '/only/in/staging', 'GET', 5, 5, 9000, 's0', 's0');

create table marts.fct_latency_sketch_hourly (
    event_date date,
    hour_time timestamptz,
    deployment_environment varchar,
    service_namespace varchar,
    service_name varchar,
    service_version varchar,
    operation varchar,
    http_method varchar,
    status_class varchar,
    duration_ms double,
    weight_micros bigint
);

insert into marts.fct_latency_sketch_hourly values
    ('2026-11-16', '2026-11-16 10:00:00+00', 'production', 'shop', 'order-service', '1.0', '/api/orders', 'POST', '2xx', 10, 90_000_000),
    ('2026-11-16', '2026-11-16 10:00:00+00', 'production', 'shop', 'order-service', '1.0', '/api/orders', 'POST', '2xx', 200, 10_000_000),
    ('2026-11-16', '2026-11-16 11:00:00+00', 'production', 'shop', 'order-service', '1.0', '/api/orders', 'POST', '2xx', 10, 100_000_000),
    ('2026-11-17', '2026-11-17 10:00:00+00', 'production', 'shop', 'order-service', '1.1', '/api/orders', 'POST', '2xx', 10, 40_000_000),
    ('2026-11-17', '2026-11-17 10:00:00+00', 'production', 'shop', 'order-service', '1.1', '/api/orders', 'POST', '5xx', 1500, 60_000_000),
    ('2026-11-17', '2026-11-17 11:00:00+00', 'production', 'shop', 'order-service', '1.0', '/api/orders', 'POST', '2xx', 10, 100_000_000),
    ('2026-11-16', '2026-11-16 10:00:00+00', 'production', 'shop', 'web', '7', '/<img src=x onerror=window.wasRun=1>', 'GET', '2xx', 20, 40_000_000),
    ('2026-11-17', '2026-11-17 10:00:00+00', 'staging', 'shop', 'web', '7', '/only/in/staging', 'GET', '5xx', 9000, 5_000_000);

create table marts.fct_page_transitions (
    event_date date,
    deployment_environment varchar,
    step_number bigint,
    from_page_name varchar,
    to_page_name varchar,
    transition_count bigint
);

insert into marts.fct_page_transitions values
    ('2026-11-16', 'production', 0, '(entrance)', 'home', 4),
    ('2026-11-16', 'production', 1, 'home', 'product_detail', 3),
    ('2026-11-16', 'production', 1, 'home', '(exit)', 1),
    ('2026-11-16', 'production', 2, 'product_detail', 'cart', 1),
    ('2026-11-16', 'production', 2, 'product_detail', '(exit)', 2),
    ('2026-11-16', 'production', 3, 'cart', '(exit)', 1),
    ('2026-11-16', 'staging', 1, 'only in staging', '(exit)', 1);

create table marts.fct_sessions (
    event_date date,
    deployment_environment varchar,
    landing_page_name varchar,
    page_view_count bigint,
    duration_seconds double,
    is_bounce boolean,
    has_user boolean
);

insert into marts.fct_sessions values
    ('2026-11-16', 'production', 'home', 3, 100, false, true),
    ('2026-11-16', 'production', 'home', 1, 0, true, false),
    ('2026-11-17', 'production', 'home', 2, 60, false, true),
    ('2026-11-17', 'production', null, 0, 20, false, true),
    ('2026-11-17', 'staging', 'home', 9, 900, false, true);

create table marts.fct_funnel_daily (
    event_date date,
    deployment_environment varchar,
    funnel varchar,
    step_number bigint,
    step_name varchar,
    session_count bigint,
    entered_session_count bigint,
    previous_step_session_count bigint,
    dropped_session_count bigint
);

insert into marts.fct_funnel_daily values
    ('2026-11-16', 'production', 'order', 1, 'cart', 200, 200, null, null),
    ('2026-11-16', 'production', 'order', 2, 'order', 150, 200, 200, 50),
    ('2026-11-17', 'production', 'order', 1, 'cart', 100, 100, null, null),
    ('2026-11-17', 'production', 'order', 2, 'order', 30, 100, 100, 70),
    ('2026-11-17', 'staging', 'order', 1, 'cart', 7, 7, null, null);

create table marts.fct_funnel_dropoff_causes_daily (
    event_date date,
    deployment_environment varchar,
    funnel varchar,
    missing_step_name varchar,
    cause varchar,
    service_name varchar,
    service_version varchar,
    operation varchar,
    error_type varchar,
    entry_count bigint,
    dropped_count bigint,
    sample_trace_id varchar
);

insert into marts.fct_funnel_dropoff_causes_daily values
    ('2026-11-16', 'production', 'order', 'order', 'none', '(not set)', '(not set)', '(not set)', '(not set)', 190, 45, null),
    ('2026-11-16', 'production', 'order', 'order', 'backend_error', 'order-service', '1.1', '/api/<orders>', 'timeout', 10, 5, 'a9'),
    ('2026-11-17', 'production', 'order', 'order', 'none', '(not set)', '(not set)', '(not set)', '(not set)', 10, 5, null),
    ('2026-11-17', 'production', 'order', 'order', 'backend_error', 'order-service', '1.1', '/api/<orders>', 'timeout', 90, 65, 'a1'),
    ('2026-11-17', 'staging', 'order', 'order', 'backend_error', 'only in staging', '1.1', '/', '(not set)', 7, 7, 'a5');

create table marts.fct_orders (
    event_date date,
    trace_id varchar,
    deployment_environment varchar,
    service_name varchar,
    service_version varchar,
    order_status varchar,
    payment_status varchar,
    order_time timestamptz
);

insert into marts.fct_orders values
    ('2026-11-17', 'a1', 'production', 'order-service', '1.1', 'failed', 'gateway_error', '2026-11-17 10:05:00+00'),
    ('2026-11-17', 'a2', 'production', 'order-service', '1.1', 'failed', 'gateway_error', '2026-11-17 10:55:00+00'),
    ('2026-11-17', 'a3', 'production', 'order-service', '1.1', 'failed', null, '2026-11-17 10:30:00+00'),
    ('2026-11-17', 'a4', 'production', 'order-service', '1.0', 'placed', 'completed', '2026-11-17 11:00:00+00'),
    ('2026-11-17', 'a5', 'staging', 'order-service', '9.9', 'failed', null, '2026-11-17 11:00:00+00');

create table marts.fct_revenue_daily (
    event_date date,
    deployment_environment varchar,
    order_currency varchar,
    order_count bigint,
    failed_order_count bigint,
    valued_order_count bigint,
    revenue decimal(38, 9)
);

insert into marts.fct_revenue_daily values
    ('2026-11-16', 'production', 'EUR', 3, 0, 3, 100.50),
    ('2026-11-17', 'production', 'EUR', 1, 0, 1, 20.25),
    ('2026-11-17', 'production', 'JPY', 2, 0, 2, 3000),
    ('2026-11-17', 'production', '(not set)', 0, 3, 0, null),
    ('2026-11-17', 'staging', 'EUR', 1, 0, 1, 99999);

-- Two counters saw the traces of 17 November: their rows must not be added up twice.
create table marts.fct_reconciliation_daily (
    event_date date,
    table_name varchar,
    counted_by varchar,
    outside_row_count bigint,
    payload_count bigint,
    delivery_count bigint,
    accounted_row_count bigint,
    stored_row_count bigint,
    distinct_row_count bigint,
    duplicate_row_count bigint,
    dead_lettered_row_count bigint,
    unparsed_message_count bigint,
    unexplained_count bigint
);

insert into marts.fct_reconciliation_daily values
    ('2026-11-16', 'traces', 'publisher', 1000, 10, 12, 1000, 1100, 1000, 100, 0, 0, 0),
    ('2026-11-17', 'traces', 'publisher', 500, 5, 5, 500, 500, 500, 0, 1, 0, 0),
    ('2026-11-17', 'traces', 'collector', 500, 5, 5, 500, 500, 500, 0, 1, 0, 0),
    ('2026-11-17', 'logs', 'publisher', 300, 3, 3, 300, 300, 300, 0, 0, 0, 0),
    ('2026-11-17', '(unknown)', '(nobody)', null, 0, 0, 0, 0, 0, 0, 0, 2, 0);

create table marts.fct_dead_letters_daily (
    event_date date,
    signal varchar,
    reason varchar,
    dead_letter_count bigint,
    message_count bigint,
    row_count bigint,
    sample_error_text varchar,
    sample_source varchar
);

insert into marts.fct_dead_letters_daily values
    ('2026-11-17', 'unknown', 'bad_protobuf', 2, 2, 0, 'field 3 has wire type 5', 'in/7.bin'),
    ('2026-11-17', 'traces', 'start_time_unknown', 1, 0, 1, 'start time is 0', 'in/8.bin');

create table marts.fct_excluded_traffic_daily (
    event_date date,
    deployment_environment varchar,
    excluded_reason varchar,
    span_count double,
    log_record_count bigint
);

insert into marts.fct_excluded_traffic_daily values
    ('2026-11-16', 'production', 'health_check', 40, 5),
    ('2026-11-17', 'production', 'health_check', 2, 0),
    ('2026-11-17', 'staging', 'bot', 8, 0);

create table marts.dim_slos (slo_id varchar, display_name varchar, slice_minutes bigint);

insert into marts.dim_slos values
    ('availability', 'API availability', null),
    ('latency', 'API latency', null);

create table marts.fct_slo_budget_daily (
    event_date date,
    slo_id varchar,
    deployment_environment varchar,
    service_namespace varchar,
    service_name varchar,
    target_ratio decimal(38, 9),
    sli_ratio double,
    bad_count double,
    valid_count double,
    error_budget_count double,
    error_budget_consumed_ratio double,
    day_bad_count double,
    day_valid_count double,
    day_burn_rate double,
    hours_to_exhaustion double,
    coverage_ratio double,
    state varchar
);

-- 63 of 460 requests failed where 1 % of them may: 63 / 4.6 = 13.7 budgets.
insert into marts.fct_slo_budget_daily values
    ('2026-11-16', 'availability', 'production', 'shop', 'api', 0.99, 0.9917, 2, 240, 2.4, 0.8333, 2, 240, 0.8333, 4.8, 0.25, 'ok'),
    ('2026-11-17', 'availability', 'production', 'shop', 'api', 0.99, 0.8630, 63, 460, 4.6, 13.7, 61, 220, 27.7, 0, 0.25, 'exhausted'),
    ('2026-11-17', 'latency', 'production', '(not set)', 'api', 0.95, 0.98, 9, 450, 22.5, 0.4, 4, 200, 0.4, null, 0.25, 'ok'),
    ('2026-11-17', 'latency', 'staging', 'shop', 'api', 0.95, 0, 5, 5, 0.25, 20, 5, 5, 20, 0, 0.01, 'exhausted');

create table marts.fct_slo_burn_alerts (
    event_date date,
    slot_time timestamptz,
    slo_id varchar,
    deployment_environment varchar,
    service_namespace varchar,
    service_name varchar,
    alert_name varchar,
    severity varchar,
    state varchar
);

insert into marts.fct_slo_burn_alerts values
    ('2026-11-17', '2026-11-17 10:35:00+00', 'availability', 'production', 'shop', 'api', 'burn-1h', 'page', 'firing'),
    ('2026-11-17', '2026-11-17 10:55:00+00', 'availability', 'production', 'shop', 'api', 'burn-6h', 'page', 'firing'),
    ('2026-11-17', '2026-11-17 11:00:00+00', 'availability', 'production', 'shop', 'api', 'burn-1h', 'page', 'quiet'),
    ('2026-11-17', '2026-11-17 11:00:00+00', 'availability', 'production', 'shop', 'api', 'burn-3d', 'ticket', 'firing');

create table marts.fct_errors_hourly (
    event_date date,
    hour_time timestamptz,
    deployment_environment varchar,
    service_namespace varchar,
    service_name varchar,
    error_group_id varchar,
    exception_count double,
    user_count bigint
);

insert into marts.fct_errors_hourly values
    ('2026-11-17', '2026-11-17 10:00:00+00', 'production', 'shop', 'order-service', 'g1', 40, 9),
    ('2026-11-17', '2026-11-17 11:00:00+00', 'production', 'shop', 'order-service', 'g1', 2, 1),
    ('2026-11-16', '2026-11-16 10:00:00+00', 'production', 'shop', 'web', 'g2', 5, 0),
    ('2026-11-17', '2026-11-17 10:00:00+00', 'staging', 'shop', 'web', 'g2', 77, 1);

create table marts.fct_errors (
    event_date date,
    exception_id varchar,
    error_group_id varchar,
    user_id varchar,
    deployment_environment varchar,
    service_namespace varchar,
    service_name varchar,
    in_app_frames varchar,
    exception_stacktrace varchar,
    exception_time timestamptz
);

insert into marts.fct_errors values
    ('2026-11-17', 'e1', 'g1', 'u1', 'production', 'shop', 'order-service', 'Price.apply', 'NullPointerException: <b>\n\tat Price.apply(Price.java:88)', '2026-11-17 10:01:00+00'),
    ('2026-11-17', 'e2', 'g1', 'u2', 'production', 'shop', 'order-service', 'Price.apply', null, '2026-11-17 10:02:00+00'),
    ('2026-11-16', 'e3', 'g2', null, 'production', 'shop', 'web', null, null, '2026-11-16 10:02:00+00'),
    ('2026-11-17', 'e4', 'g2', 'u9', 'staging', 'shop', 'web', null, 'only in staging', '2026-11-17 10:02:00+00');

create table marts.dim_error_groups (
    error_group_id varchar,
    deployment_environment varchar,
    service_namespace varchar,
    service_name varchar,
    exception_type varchar,
    message_template varchar,
    first_version varchar,
    last_version varchar,
    regressed_in_version varchar,
    sample_trace_id varchar,
    exception_count double,
    first_seen_time timestamptz,
    last_seen_time timestamptz
);

insert into marts.dim_error_groups values
    ('g1', 'production', 'shop', 'order-service', 'NullPointerException', 'voucher <text> is null', '1.1', '1.1', null, 'a1', 42, '2026-11-17 10:01:00+00', '2026-11-17 11:10:00+00'),
    ('g2', 'production', 'shop', 'web', 'TypeError', 'no price', '6', '8', '8', 'b1', 5, '2026-11-16 10:02:00+00', '2026-11-16 10:30:00+00');

create table marts.fct_service_edges_hourly (
    event_date date,
    hour_time timestamptz,
    deployment_environment varchar,
    caller_name varchar,
    callee_namespace varchar,
    callee_name varchar,
    call_type varchar,
    weight_micros bigint,
    error_weight_micros bigint,
    p95_duration_ms double,
    error_trace_id varchar
);

insert into marts.fct_service_edges_hourly values
    ('2026-11-16', '2026-11-16 10:00:00+00', 'production', 'web', 'shop', 'order-service', 'http', 200_000_000, 2_000_000, 20, 'a0'),
    ('2026-11-17', '2026-11-17 10:00:00+00', 'production', 'web', 'shop', 'order-service', 'http', 200_000_000, 61_000_000, 1500, 'a1'),
    ('2026-11-17', '2026-11-17 10:00:00+00', 'production', 'order-service', '(external)', 'postgresql', 'database', 90_000_000, 0, 3, null),
    ('2026-11-17', '2026-11-17 10:00:00+00', 'staging', 'web', 'shop', 'only in staging', 'http', 9_000_000, 0, 3, null);

create table marts.fct_log_volume_hourly (
    event_date date,
    hour_time timestamptz,
    deployment_environment varchar,
    service_name varchar,
    severity varchar,
    log_template_id varchar,
    log_template varchar,
    log_record_count bigint,
    sample_trace_id varchar
);

insert into marts.fct_log_volume_hourly values
    ('2026-11-16', '2026-11-16 10:00:00+00', 'production', 'web', 'INFO', 'l1', 'served <n>', 90, 'a0'),
    ('2026-11-17', '2026-11-17 10:00:00+00', 'production', 'order-service', 'ERROR', 'l2', 'no answer from <text>', 6, 'a1'),
    ('2026-11-17', '2026-11-17 12:00:00+00', 'production', 'order-service', 'ERROR', 'l2', 'no answer from <text>', 2, 'a2'),
    ('2026-11-17', '2026-11-17 10:00:00+00', 'production', 'web', 'FATAL', 'l3', 'out of memory', 1, null),
    ('2026-11-17', '2026-11-17 10:00:00+00', 'production', 'web', 'WARN', 'l4', 'slow', 1, null),
    ('2026-11-17', '2026-11-17 10:00:00+00', 'staging', 'only in staging', 'ERROR', 'l5', 'not here', 99, null);

create table marts.fct_metric_rates_hourly (
    event_date date,
    hour_time timestamptz,
    deployment_environment varchar,
    service_name varchar,
    metric_name varchar,
    unit varchar,
    attributes_text varchar,
    increase decimal(38, 9)
);

insert into marts.fct_metric_rates_hourly values
    ('2026-11-16', '2026-11-16 10:00:00+00', 'production', 'web', 'page.views', '1', 'page=a', 1200),
    ('2026-11-16', '2026-11-16 10:00:00+00', 'production', 'web', 'page.views', '1', 'page=b', 34),
    ('2026-11-17', '2026-11-17 10:00:00+00', 'production', 'order-service', 'page.views', '1', 'page=a', 0),
    ('2026-11-17', '2026-11-17 10:00:00+00', 'staging', 'web', 'page.views', '1', 'page=a', 99999);

create table marts.fct_metric_gauges_hourly (
    event_date date,
    hour_time timestamptz,
    deployment_environment varchar,
    service_name varchar,
    metric_name varchar,
    unit varchar,
    attributes_text varchar,
    point_count bigint,
    mean_value double
);

insert into marts.fct_metric_gauges_hourly values
    ('2026-11-16', '2026-11-16 10:00:00+00', 'production', 'web', 'queue.size', '{item}', '', 1, 10),
    ('2026-11-16', '2026-11-16 10:00:00+00', 'production', 'order-service', 'queue.size', '{item}', '', 3, 2),
    ('2026-11-16', '2026-11-16 11:00:00+00', 'production', 'web', 'queue.size', '{item}', '', 60, null),
    ('2026-11-16', '2026-11-16 12:00:00+00', 'production', 'web', 'temperature', 'Cel', '', 1, -4),
    ('2026-11-16', '2026-11-16 13:00:00+00', 'production', 'web', 'temperature', 'Cel', '', 1, 0);

create table marts.fct_metric_histograms_hourly (
    event_date date,
    hour_time timestamptz,
    deployment_environment varchar,
    service_name varchar,
    metric_name varchar,
    unit varchar,
    attributes_text varchar,
    observation_count bigint,
    observation_sum double
);

insert into marts.fct_metric_histograms_hourly
select cast(hour_time as date), hour_time, 'production', 'order-service', 'payment.latency', 'ms', '', 10, 1000
from generate_series(timestamptz '2026-11-16 10:00:00+00', '2026-11-16 17:00:00+00', interval 1 hour) as h (hour_time);

insert into marts.fct_metric_histograms_hourly values
    ('2026-11-17', '2026-11-17 10:00:00+00', 'production', 'order-service', 'payment.latency', 'ms', '', 20, 8000),
    ('2026-11-16', '2026-11-16 18:00:00+00', 'production', 'order-service', 'payment.latency', 'ms', '', 0, 0);

create table marts.fct_saturation_hourly (
    event_date date,
    hour_time timestamptz,
    deployment_environment varchar,
    service_name varchar,
    host_name varchar,
    k8s_pod_name varchar,
    resource varchar,
    metric_name varchar,
    sample_count bigint,
    mean_utilization double,
    max_utilization double
);

insert into marts.fct_saturation_hourly values
    ('2026-11-16', '2026-11-16 10:00:00+00', 'production', 'web', '(not set)', 'web-1', 'cpu', 'k8s.pod.cpu_limit_utilization', 1, 0.3, 0.4),
    ('2026-11-16', '2026-11-16 11:00:00+00', 'production', 'web', '(not set)', 'web-2', 'cpu', 'k8s.pod.cpu_limit_utilization', 3, 0.7, 1.2),
    ('2026-11-16', '2026-11-16 10:00:00+00', 'production', '(not set)', 'node-7', '(not set)', 'memory', 'system.memory.utilization', 2, 0.5, 0.6),
    ('2026-11-16', '2026-11-16 10:00:00+00', 'staging', 'only in staging', '(not set)', '(not set)', 'cpu', 'system.cpu.utilization', 1, 1, 1);

create table marts.fct_logins_daily (
    event_date date,
    deployment_environment varchar,
    attempt_count bigint,
    success_count bigint,
    locked_out_count bigint,
    error_count bigint
);

insert into marts.fct_logins_daily values
    ('2026-11-16', 'production', 60, 57, 0, 1),
    ('2026-11-17', 'production', 40, 23, 10, 0),
    ('2026-11-17', 'staging', 9, 0, 0, 0);

create table marts.fct_login_failures_daily (
    event_date date,
    deployment_environment varchar,
    failure_reason varchar,
    failure_count bigint,
    user_count bigint,
    sample_trace_id varchar
);

insert into marts.fct_login_failures_daily values
    ('2026-11-16', 'production', 'invalid_credentials', 3, 3, 'c1'),
    ('2026-11-17', 'production', 'invalid_credentials', 7, 4, 'c2'),
    ('2026-11-17', 'production', 'account_locked', 10, 1, 'c3');

create table marts.fct_login_risks_daily (
    event_date date,
    deployment_environment varchar,
    risk varchar,
    subject_kind varchar,
    subject varchar,
    failure_count bigint,
    highest_failure_count bigint,
    has_success boolean,
    sample_trace_id varchar,
    first_time timestamptz
);

insert into marts.fct_login_risks_daily values
    ('2026-11-17', 'production', 'brute_force', 'user', '3f37', 12, 12, false, 'c3', '2026-11-17 03:10:00+00');

create table marts.fct_traces (
    event_date date,
    trace_id varchar,
    trace_url varchar,
    deployment_environment varchar,
    root_service_name varchar,
    root_operation varchar,
    span_count bigint,
    service_count bigint,
    error_count bigint,
    duration_ms double,
    trace_start_time timestamptz
);

-- a0 slow, a1 slow and failed, f0 failed, w0 with hostile names and a page that is looked at for a minute, b1 of an
-- exception; 'gone' never came.
insert into marts.fct_traces values
    ('2026-11-16', 'a0', 'https://traces.example/a0', 'production', 'web', '/checkout', 2, 2, 0, 210, '2026-11-16 10:10:00+00'),
    ('2026-11-17', 'a1', 'javascript:window.wasRun=1', 'production', 'web', '/checkout', 5, 3, 3, 1510, '2026-11-17 10:01:02+00'),
    ('2026-11-16', 'f0', null, 'production', 'order-service', '/api/orders', 1, 1, 1, 30, '2026-11-16 10:20:00+00'),
    ('2026-11-17', 'a4', null, 'production', 'order-service', '/api/orders', 1, 1, 0, 10, '2026-11-17 11:00:00+00'),
    ('2026-11-16', 'w0', null, 'production', 'web', '/<img src=x onerror=window.wasRun=1>', 900, 1, 0, 60000, '2026-11-16 10:30:00+00'),
    ('2026-11-16', 'b1', null, 'production', 'web', 'render', 1, 1, 0, 5, '2026-11-16 10:02:00+00'),
    ('2026-11-17', 's0', null, 'staging', 'web', '/only/in/staging', 1, 1, 1, 9000, '2026-11-17 10:00:00+00');

create schema marts_staging;

create table marts_staging.stg_otel__spans (
    trace_id varchar,
    span_id varchar,
    parent_span_id varchar,
    span_kind varchar,
    service_name varchar,
    name varchar,
    exception_type varchar,
    status_message varchar,
    is_error boolean,
    is_unfinished boolean,
    start_time_unix_nano bigint,
    duration_ms double
);

insert into marts_staging.stg_otel__spans values
    ('a0', '1', null, 'INTERNAL', 'web', 'checkout', null, null, false, false, 1_000_000_000, 210),
    ('a0', '2', '1', 'SERVER', 'order-service', 'POST /api/orders', null, null, false, false, 1_005_000_000, 200),
    ('a1', '1', null, 'INTERNAL', 'web', 'checkout', null, null, true, false, 2_000_000_000, 1510),
    ('a1', '2', '1', 'SERVER', 'order-service', 'POST /api/orders', null, null, true, false, 2_005_000_000, 1500),
    ('a1', '3', '2', 'INTERNAL', 'order-service', 'price', 'NullPointerException', 'voucher <text> is null', true, false, 2_010_000_000, 20),
    ('a1', '4', '2', 'CLIENT', 'order-service', 'select stock', null, null, false, false, 2_040_000_000, 1400),
    ('a1', '5', '9', 'INTERNAL', 'audit', 'lost its parent', null, null, false, true, 2_050_000_000, null),
    ('f0', '1', null, 'SERVER', 'order-service', 'POST /api/orders', null, null, true, false, 3_000_000_000, 30),
    ('a4', '1', null, 'SERVER', 'order-service', 'POST /api/orders', null, null, false, false, 4_000_000_000, 10),
    ('w0', '1', null, 'INTERNAL', 'web', 'page "view" <b>', null, null, false, false, 5_000_000_000, 60_000),
    ('w0', '2', '1', 'SERVER', 'web', 'GET /<img src=x onerror=window.wasRun=1>', null, null, false, false, 5_001_000_000, 20),
    ('b1', '1', null, 'INTERNAL', 'web', 'render', null, null, false, false, 6_000_000_000, 5);
