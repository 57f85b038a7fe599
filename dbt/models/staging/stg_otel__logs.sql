with logs as (
    select
        {{ event_date('time') }} as event_date,

        coalesce(log_record_uid, concat(payload_id, '/', cast(row_ordinal as string))) as log_id,
        trace_id,
        span_id,
        payload_id,
        row_ordinal,

        {{ key_text('deployment_environment') }} as deployment_environment,
        {{ key_text('service_namespace') }} as service_namespace,
        {{ key_text('service_name') }} as service_name,
        service_version,
        service_instance_id,
        scope_name,
        telemetry_sdk_language,
        severity_text,
        event_name,
        body,
        http_method,
        http_route,
        {{ http_path() }} as http_path,
        user_id,
        user_name,
        session_id,
        session_previous_id,
        user_agent_name,
        user_agent_synthetic_type,
        client_address,
        page_name,
        page_url,
        product_id,
        web_vital_name,
        web_vital_id,
        login_status,
        login_failure_reason,
        order_id,
        order_currency,
        payment_id,
        payment_method,
        payment_currency,
        payment_status,
        payment_transaction_id,
        payment_gateway,
        error_type,
        exception_type,
        exception_message,
        exception_stacktrace,
        host_name,
        k8s_cluster_name,
        k8s_namespace_name,
        k8s_deployment_name,
        k8s_pod_name,

        severity_number,
        http_status_code,
        {{ believed('order_total', 1000000000000000000) }} as order_total,
        {{ believed('order_items_count', 1000000000) }} as order_items_count,
        {{ believed('payment_amount', 1000000000000000000) }} as payment_amount,
        web_vital_value,
        time_unix_nano,

        is_time_inferred,

        time,
        observed_time,
        ingest_time,
    from {{ source('observability', 'logs') }}
    where {{ in_dates(event_date('time')) }}
),

exclusions as (
    select * from {{ ref('excluded_traffic') }}
    where column_name != 'name'
),

excluded_traces as (
    select * from {{ ref('stg_otel__excluded_traces') }}
    where {{ in_dates('event_date') }}
),

deduplicated as (
    select * from logs
    qualify row_number() over (
        partition by event_date, log_id
        order by payload_id, row_ordinal, ingest_time
    ) = 1
),

excluded as (
    select
        deduplicated.event_date,
        deduplicated.log_id,
        min(exclusions.reason) as excluded_reason,
    from deduplicated
    inner join exclusions
        on {{ matches_pattern(named_column('exclusions.column_name', 'deduplicated', excludable_columns()[1:]), 'exclusions.value') }}
    group by deduplicated.event_date, deduplicated.log_id
),

final as (
    select
        deduplicated.*,
        coalesce(excluded.excluded_reason, excluded_traces.excluded_reason) as excluded_reason,
        coalesce(excluded.excluded_reason, excluded_traces.excluded_reason) is not null as is_excluded,
    from deduplicated
    left join excluded
        on excluded.event_date = deduplicated.event_date
        and excluded.log_id = deduplicated.log_id
    left join excluded_traces
        on excluded_traces.event_date = deduplicated.event_date
        and excluded_traces.trace_id = deduplicated.trace_id
)

select * from final
