{%- set marts = [
    'fct_attribute_usage_daily', 'fct_conversion_daily', 'fct_counter_reconciliation_daily',
    'fct_critical_path_daily', 'fct_dead_letters_daily', 'fct_errors', 'fct_errors_hourly',
    'fct_excluded_traffic_daily', 'fct_freshness_daily', 'fct_funnel_daily', 'fct_funnel_dropoff_causes_daily',
    'fct_funnel_dropoffs', 'fct_golden_signals_hourly', 'fct_journey_steps', 'fct_latency_callers_hourly',
    'fct_latency_daily', 'fct_latency_hourly', 'fct_latency_sketch_hourly', 'fct_latency_week_over_week',
    'fct_log_errors_hourly', 'fct_log_volume_hourly', 'fct_login_failures_daily', 'fct_login_risks_daily',
    'fct_logins', 'fct_logins_daily', 'fct_metric_exemplars', 'fct_metric_gauges_hourly',
    'fct_metric_histograms_hourly', 'fct_metric_rates_hourly', 'fct_operations_hourly', 'fct_orders',
    'fct_page_transitions', 'fct_page_views', 'fct_paths_daily', 'fct_payments', 'fct_payments_daily',
    'fct_registrations', 'fct_registrations_daily', 'fct_restatements', 'fct_revenue_daily',
    'fct_sampling_coverage_daily', 'fct_saturation_hourly', 'fct_service_edges_hourly', 'fct_sessions',
    'fct_sli_5m', 'fct_slo_burn_alerts', 'fct_trace_logs', 'fct_traces', 'fct_volume_daily',
    'fct_web_vitals_daily',
] %}
{%- set dates = in_dates('event_date') %}
with raw_tables as (
    select
        event_date,
        'raw' as layer,
        table_name,
        deployment_environment,
        service_namespace,
        service_name,
        row_count,
        logical_bytes,
    from {{ ref('int_raw_bytes_daily') }}
    where {{ dates }}
),

marts as (
    {%- for mart in marts %}
    {%- set columns = mart_columns(mart) %}
    select
        event_date,
        'mart' as layer,
        '{{ mart }}' as table_name,
        {%- for key in ('deployment_environment', 'service_namespace', 'service_name') %}
        {{ key_text('stored.' ~ key) if key in columns else "'(all)'" }} as {{ key }},
        {%- endfor %}
        count(*) as row_count,
        {{ total_logical_bytes('stored', columns) }} as logical_bytes,
    from {{ ref(mart) }} as stored
    where {{ dates }}
    group by event_date, layer, table_name, deployment_environment, service_namespace, service_name
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

final as (  -- DuckDB groups by the column that is named, not by the key that is made of it
    select
        event_date,
        layer,
        table_name,
        deployment_environment,
        service_namespace,
        service_name,
        cast(sum(row_count) as int64) as row_count,
        cast(sum(logical_bytes) as int64) as logical_bytes,
    from (select * from raw_tables union all select * from marts) as stored
    group by event_date, layer, table_name, deployment_environment, service_namespace, service_name
)

select * from final
