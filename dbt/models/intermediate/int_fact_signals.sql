with spans as (
    select
        event_date,
        'span' as signal,
        trace_id,
        span_id as signal_id,
        row_ordinal,
        name,
        deployment_environment,
        service_namespace,
        service_name,
        service_version,
        span_kind,
        telemetry_sdk_language,
        http_route,
        http_method,
        http_path,
        page_name,
        page_url,
        event_name,
        product_id,
        session_id,
        user_id,
        user_name,
        user_agent_name,
        user_agent_synthetic_type,
        client_address,
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
        order_total,
        order_items_count,
        payment_amount,
        coalesce(page_load_time_ms, case when name = 'documentLoad' then duration_ms end) as page_load_time_ms,
        duration_ms,
        weight_micros,
        is_error,
        is_excluded,
        start_time as signal_time,
    from {{ ref('stg_otel__spans') }}
    where {{ in_dates('event_date') }}
),

logs as (
    select
        event_date,
        'log' as signal,
        coalesce(trace_id, log_id) as trace_id,
        log_id as signal_id,
        row_ordinal,
        event_name as name,
        deployment_environment,
        service_namespace,
        service_name,
        service_version,
        cast(null as string) as span_kind,
        telemetry_sdk_language,
        http_route,
        http_method,
        http_path,
        page_name,
        page_url,
        event_name,
        product_id,
        session_id,
        user_id,
        user_name,
        user_agent_name,
        user_agent_synthetic_type,
        client_address,
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
        order_total,
        order_items_count,
        payment_amount,
        {{ to_float('null') }} as page_load_time_ms,
        {{ to_float('null') }} as duration_ms,
        1000000 as weight_micros,
        {{ severity('severity_number', 'severity_text') }} in ('ERROR', 'FATAL') as is_error,
        is_excluded,
        time as signal_time,
    from {{ ref('stg_otel__logs') }}
    where {{ in_dates('event_date') }}
        and event_name is not null
),

signals as {{ not_materialized() }} (
    select * from spans
    union all
    select * from logs
),

rules as (
    select * from {{ ref('fact_rules') }}
),

named as (
    select distinct signal, name from signals
),

rules_by_name as (
    select
        named.signal,
        named.name,
        rules.fact,
        rules.priority,
        rules.column_name,
        rules.column_value,
        rules.is_stand_in,
    from named
    inner join rules
        on rules.signal = named.signal
        and {{ matches_pattern('named.name', 'rules.name') }}
),

matched as (
    select
        signals.*,
        rules_by_name.fact,
        rules_by_name.priority,
        rules_by_name.is_stand_in,
    from signals
    inner join rules_by_name
        on rules_by_name.signal = signals.signal
        and rules_by_name.name = signals.name
    where rules_by_name.column_name is null
        or {{ matches_pattern(named_column('rules_by_name.column_name', 'signals', rule_columns()), 'rules_by_name.column_value') }}
),

final as (
    select * from matched
    qualify row_number() over (partition by event_date, fact, signal, trace_id, signal_id, span_kind order by priority) = 1
        and (
            not is_stand_in
            or count(case when not is_stand_in and not is_excluded then 1 end) over (
                partition by event_date, fact, deployment_environment, service_namespace
            ) = 0
        )
)

select * from final
