-- Exceptions on spans are read from the raw table, as staging is without events; staging says which copy counts.
with raw_spans as (
    select payload_id, row_ordinal, trace_id, span_id, events
    from {{ source('observability', 'traces') }}
    where {{ in_dates(event_date('start_time')) }}
        and {{ list_length('events') }} > 0
),

spans as (
    select
        event_date,
        payload_id,
        row_ordinal,
        trace_id,
        span_id,
        deployment_environment,
        service_namespace,
        service_name,
        service_version,
        telemetry_sdk_language,
        coalesce(http_route, name) as operation,
        user_id,
        session_id,
        weight_micros,
        start_time,
    from {{ ref('stg_otel__spans') }}
    where {{ in_dates('event_date') }}
        and not is_excluded
),

span_events as (
    select distinct
        spans.*,
        {{ attribute('event.attributes', 'exception.type') }} as exception_type,
        {{ attribute('event.attributes', 'exception.message') }} as exception_message,
        {{ attribute('event.attributes', 'exception.stacktrace') }} as exception_stacktrace,
        position,
    from raw_spans
    {{ unnest_with_offset('raw_spans.events', 'event', 'position') }}
    inner join spans
        on spans.payload_id = raw_spans.payload_id
        and spans.row_ordinal = raw_spans.row_ordinal
        and spans.trace_id = raw_spans.trace_id
        and spans.span_id = raw_spans.span_id
    where event.name = 'exception'
),

logs as (
    select
        event_date,
        log_id,
        trace_id,
        deployment_environment,
        service_namespace,
        service_name,
        service_version,
        telemetry_sdk_language,
        user_id,
        session_id,
        exception_type,
        exception_message,
        exception_stacktrace,
        time,
    from {{ ref('stg_otel__logs') }}
    where {{ in_dates('event_date') }}
        and not is_excluded
        and coalesce(exception_type, exception_message) is not null
),

final as (
    select
        event_date,
        'span' as signal,
        trace_id,
        concat(span_id, '/', cast(position as string)) as signal_id,
        deployment_environment,
        service_namespace,
        service_name,
        {{ key_text('service_version') }} as service_version,
        telemetry_sdk_language,
        operation,
        user_id,
        session_id,
        coalesce(exception_type, '(not set)') as exception_type,
        coalesce(exception_message, '') as exception_message,
        exception_stacktrace,
        weight_micros,
        start_time as signal_time,
    from span_events

    union all

    select
        event_date,
        'log' as signal,
        trace_id,
        log_id as signal_id,
        deployment_environment,
        service_namespace,
        service_name,
        {{ key_text('service_version') }} as service_version,
        telemetry_sdk_language,
        cast(null as string) as operation,
        user_id,
        session_id,
        coalesce(exception_type, '(not set)') as exception_type,
        coalesce(exception_message, '') as exception_message,
        exception_stacktrace,
        1000000 as weight_micros,
        time as signal_time,
    from logs
)

select * from final
