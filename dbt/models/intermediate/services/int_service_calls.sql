{{ config(meta={'days_before': 1, 'days_after': 1}) }}
-- A call is seen by who calls (CLIENT, PRODUCER), by who answers (a span below another service's), or by both; then it
-- weighs what the caller's span weighs. A queue is a node of its own: its producer calls it, it calls its consumer.
with spans as {{ not_materialized() }} (
    select
        event_date,
        trace_id,
        {{ tree_span_id() }} as span_id,
        {{ tree_parent_span_id() }} as parent_span_id,
        deployment_environment,
        service_namespace,
        service_name,
        span_kind,
        case
            when db_system is not null then 'database'
            when messaging_system is not null then 'messaging'
            when rpc_system is not null then 'rpc'
            when http_method is not null then 'http'
            else 'other'
        end as call_type,
        case
            when messaging_system is not null then concat('queue ', coalesce(messaging_destination, messaging_system))
            else coalesce(peer_service, rpc_service, db_namespace, db_system, server_address, name)
        end as peer_name,
        duration_ns,
        weight_micros,
        is_error,
        is_excluded,
        start_time,
    from {{ ref('stg_otel__spans') }} as spans
    {{- join_shared_spans() }}
    where {{ in_read_dates('event_date') }}
),

answers as (
    select * from spans
    where span_kind not in ('CLIENT', 'PRODUCER')
),

called as (
    select
        answers.event_date,
        answers.trace_id,
        answers.span_id,
        callers.span_id as caller_span_id,
        answers.deployment_environment,
        callers.service_namespace,
        callers.service_name as caller_name,
        answers.service_namespace as callee_namespace,
        answers.service_name as callee_name,
        answers.call_type,
        case when callers.span_kind in ('CLIENT', 'PRODUCER') then callers.duration_ns else answers.duration_ns end as duration_ns,
        case when callers.span_kind in ('CLIENT', 'PRODUCER') then callers.weight_micros else answers.weight_micros end as weight_micros,
        answers.is_error or callers.is_error and callers.span_kind = 'CLIENT' as is_error,
        callers.span_kind in ('CLIENT', 'PRODUCER') as is_seen_by_caller,
        true as is_seen_by_callee,
        answers.start_time,
    from answers
    inner join spans as callers
        on callers.trace_id = answers.trace_id
        and callers.span_id = answers.parent_span_id
        and (
            callers.service_name != answers.service_name
            or (callers.span_kind in ('CLIENT', 'PRODUCER') and answers.span_kind in ('SERVER', 'CONSUMER'))
        )
    where not answers.is_excluded
),

answered_spans as (
    select distinct trace_id, caller_span_id from called
),

services as (
    select event_date, deployment_environment, service_name, min(service_namespace) as service_namespace
    from spans
    group by event_date, deployment_environment, service_name
),

unanswered as (
    select
        calls.event_date,
        calls.trace_id,
        calls.span_id,
        calls.span_id as caller_span_id,
        calls.deployment_environment,
        calls.service_namespace,
        calls.service_name as caller_name,
        coalesce(services.service_namespace, '(external)') as callee_namespace,
        calls.peer_name as callee_name,
        calls.call_type,
        calls.duration_ns,
        calls.weight_micros,
        calls.is_error,
        true as is_seen_by_caller,
        false as is_seen_by_callee,
        calls.start_time,
    from spans as calls
    left join answered_spans
        on answered_spans.trace_id = calls.trace_id
        and answered_spans.caller_span_id = calls.span_id
    left join services
        on services.event_date = calls.event_date
        and services.deployment_environment = calls.deployment_environment
        and services.service_name = calls.peer_name
    where (calls.span_kind in ('CLIENT', 'PRODUCER') or calls.call_type = 'database' and calls.span_kind = 'INTERNAL')
        and answered_spans.trace_id is null
        and not calls.is_excluded
),

consumed as (
    select
        answers.event_date,
        answers.trace_id,
        answers.span_id,
        cast(null as string) as caller_span_id,
        answers.deployment_environment,
        '(external)' as service_namespace,
        answers.peer_name as caller_name,
        answers.service_namespace as callee_namespace,
        answers.service_name as callee_name,
        answers.call_type,
        answers.duration_ns,
        answers.weight_micros,
        answers.is_error,
        false as is_seen_by_caller,
        true as is_seen_by_callee,
        answers.start_time,
    from answers
    left join called
        on called.trace_id = answers.trace_id
        and called.span_id = answers.span_id
    where answers.call_type = 'messaging'
        and answers.span_kind = 'CONSUMER'
        and called.trace_id is null
        and not answers.is_excluded
),

final as (
    select * from called
    union all
    select * from unanswered
    union all
    select * from consumed
)

select * from final
where {{ in_dates('event_date') }}
