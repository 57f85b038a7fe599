with spans as {{ not_materialized() }} (
    select
        {{ event_date('start_time') }} as event_date,

        trace_id,
        span_id,
        parent_span_id,
        payload_id,
        row_ordinal,

        {{ key_text('deployment_environment') }} as deployment_environment,
        {{ key_text('service_namespace') }} as service_namespace,
        {{ key_text('service_name') }} as service_name,
        {{ key_text('kind') }} as span_kind,
        name,
        status_code,
        status_message,
        trace_state,
        service_version,
        service_instance_id,
        scope_name,
        telemetry_sdk_language,
        http_method,
        http_route,
        http_target,
        http_url,
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
        event_name,
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
        db_system,
        db_namespace,
        db_operation,
        db_collection,
        db_query_summary,
        rpc_system,
        rpc_service,
        rpc_method,
        rpc_status_code,
        messaging_system,
        messaging_destination,
        messaging_operation,
        peer_service,
        server_address,
        host_name,
        k8s_cluster_name,
        k8s_namespace_name,
        k8s_deployment_name,
        k8s_pod_name,
        cloud_region,

        http_status_code,
        duration_ns,
        duration_ms,
        {{ believed('page_load_time_ms', '1e12') }} as page_load_time_ms,
        {{ believed('web_vital_value', '1e12') }} as web_vital_value,
        start_time_unix_nano,
        end_time_unix_nano,
        {{ believed('order_total', 1000000000000000000) }} as order_total,
        {{ believed('order_items_count', 1000000000) }} as order_items_count,
        {{ believed('payment_amount', 1000000000000000000) }} as payment_amount,
        flags,
        case when adjusted_count <= 1000000 then adjusted_count else 1 end as sent_adjusted_count,
        case when adjusted_count <= 1000000 then sampling_source else 'unknown' end as sent_sampling_source,

        status_code = 'ERROR' as is_error,
        coalesce(http_status_code between 500 and 599, false) as is_http_5xx,
        is_unfinished,
        has_clock_skew,

        start_time,
        end_time,
        ingest_time,
    from {{ source('observability', 'traces') }}
    where {{ in_dates(event_date('start_time')) }}
),

repeated as (
    select * from {{ ref('stg_otel__repeated_spans') }}
    where {{ in_dates('event_date') }}
),

rates as (
    select * from {{ ref('sampling_declared_rates') }}
),

exclusions as (
    select * from {{ ref('excluded_traffic') }}
),

services as (
    select distinct service_namespace, service_name, deployment_environment
    from spans
),

declared as (
    select
        services.service_namespace,
        services.service_name,
        services.deployment_environment,
        min(rates.sampling_ratio) as sampling_ratio,
    from services
    inner join rates
        on rates.service_name = services.service_name
        and coalesce(rates.service_namespace, services.service_namespace) = services.service_namespace
        and coalesce(rates.deployment_environment, services.deployment_environment) = services.deployment_environment
    group by services.service_namespace, services.service_name, services.deployment_environment
),

excluded as (
    select
        spans.event_date,
        spans.payload_id,
        spans.row_ordinal,
        min(exclusions.reason) as excluded_reason,
    from spans
    inner join exclusions
        on {{ matches_pattern(named_column('exclusions.column_name', 'spans', excludable_columns()), 'exclusions.value') }}
    group by spans.event_date, spans.payload_id, spans.row_ordinal
),

excluded_traces as (
    select * from {{ ref('stg_otel__excluded_traces') }}
    where {{ in_dates('event_date') }}
),

sent_once as (
    select
        spans.*,
        1 as copy_count,
        false as has_conflicting_copy,
    from spans
    left join repeated
        on repeated.event_date = spans.event_date
        and repeated.trace_id = spans.trace_id
        and repeated.span_id = spans.span_id
        and repeated.span_kind = spans.span_kind
    where repeated.trace_id is null
),

sent_again as (
    select
        spans.*,
        repeated.copy_count,
        {{ copies_differ(told_columns(), 'partition by spans.event_date, spans.trace_id, spans.span_id, spans.span_kind', 'spans') }} as has_conflicting_copy,
    from spans
    inner join repeated
        on repeated.event_date = spans.event_date
        and repeated.trace_id = spans.trace_id
        and repeated.span_id = spans.span_id
        and repeated.span_kind = spans.span_kind
    qualify row_number() over (
        partition by spans.event_date, spans.trace_id, spans.span_id, spans.span_kind
        order by spans.end_time desc, spans.payload_id, spans.row_ordinal, spans.ingest_time
    ) = 1
),

deduplicated as (
    select * from sent_once
    union all
    select * from sent_again
),

weighted as (
    select
        deduplicated.*,
        case
            when sent_sampling_source = 'unknown' and declared.sampling_ratio > 0 then 1 / declared.sampling_ratio
            else sent_adjusted_count
        end as adjusted_count,
        case
            when sent_sampling_source != 'unknown' or declared.sampling_ratio is null then sent_sampling_source
            when declared.sampling_ratio = 1 then 'none'
            else 'declared_rate'
        end as sampling_source,
        coalesce(excluded.excluded_reason, excluded_traces.excluded_reason) as excluded_reason,
    from deduplicated
    left join declared
        on declared.service_namespace = deduplicated.service_namespace
        and declared.service_name = deduplicated.service_name
        and declared.deployment_environment = deduplicated.deployment_environment
    left join excluded
        on excluded.event_date = deduplicated.event_date
        and excluded.payload_id = deduplicated.payload_id
        and excluded.row_ordinal = deduplicated.row_ordinal
    left join excluded_traces
        on excluded_traces.event_date = deduplicated.event_date
        and excluded_traces.trace_id = deduplicated.trace_id
),

final as (
    select
        *,
        excluded_reason is not null as is_excluded,
        cast(round(adjusted_count * 1000000) as int64) as weight_micros,
    from weighted
)

select * from final
