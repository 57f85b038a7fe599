{{ config(meta={'days_before': 2, 'days_after': 1}) }}
-- A trace belongs to the day on which its first span begins, and so does what it tells on the next. A row needs no other
-- day: what comes later is a row of its own date, whichever days are read.
with spans as {{ not_materialized() }} (
    select
        event_date,
        trace_id,
        span_id,
        parent_span_id,
        deployment_environment,
        service_namespace,
        service_name,
        coalesce(http_route, name) as operation,
        duration_ns,
        weight_micros,
        is_error,
        start_time,
        end_time,
    from {{ ref('stg_otel__spans') }}
    where {{ in_read_dates('event_date') }}
        and not is_excluded
),

{{ continued_dates('spans', 'trace_id') }},

dated as {{ not_materialized() }} (
    select
        spans.*,
        coalesce(continued.previous_date, spans.event_date) as trace_date,
    from spans
    left join continued
        on continued.trace_id = spans.trace_id
        and continued.event_date = spans.event_date
),

parents as (
    select distinct trace_id, trace_date, span_id from dated
),

ranked as (
    select
        spans.*,
        spans.parent_span_id is null as is_root,
        spans.parent_span_id is not null and parents.span_id is null as is_orphan,
        row_number() over (
            partition by spans.trace_id, spans.trace_date
            order by case when spans.parent_span_id is null then 0 else 1 end, spans.start_time, spans.span_id
        ) as span_number,
    from dated as spans
    left join parents
        on parents.trace_id = spans.trace_id
        and parents.trace_date = spans.trace_date
        and parents.span_id = spans.parent_span_id
),

traces as (
    select
        trace_id,
        trace_date,
        min(case when span_number = 1 then deployment_environment end) as deployment_environment,
        min(case when span_number = 1 then service_namespace end) as service_namespace,
        min(case when span_number = 1 then service_name end) as root_service_name,
        min(case when span_number = 1 then operation end) as root_operation,
        count(*) as span_count,
        count(distinct service_name) as service_count,
        count(case when is_error then 1 end) as error_count,
        count(case when is_orphan then 1 end) as orphan_span_count,
        max(case when span_number = 1 then weight_micros end) as weight_micros,
        count(case when span_number = 1 and is_error then 1 end) > 0 as is_root_error,
        count(case when is_root then 1 end) > 0 as has_root,
        min(start_time) as trace_start_time,
        max(greatest(end_time, start_time)) as trace_end_time,
    from ranked
    group by trace_id, trace_date
),

named as (
    select trace_id, event_date, session_id, user_id
    from {{ ref('int_trace_actors') }}
    where {{ in_read_dates('event_date') }}
),

actors as (
    select
        named.trace_id,
        coalesce(continued.previous_date, named.event_date) as trace_date,
        min(named.session_id) as session_id,
        min(named.user_id) as user_id,
    from named
    left join continued
        on continued.trace_id = named.trace_id
        and continued.event_date = named.event_date
    group by named.trace_id, trace_date
),

final as (
    select
        traces.trace_date as event_date,

        traces.trace_id,
        {{ trace_url('traces.trace_id') }} as trace_url,
        actors.session_id,
        actors.user_id,

        traces.deployment_environment,
        traces.service_namespace,
        traces.root_service_name,
        traces.root_operation,

        traces.span_count,
        traces.service_count,
        traces.error_count,
        traces.orphan_span_count,
        traces.weight_micros / 1000000 as trace_count,
        {{ us_between('traces.trace_start_time', 'traces.trace_end_time') }} / 1000 as duration_ms,

        traces.is_root_error,
        traces.has_root,
        traces.has_root and traces.orphan_span_count = 0 as is_complete,

        traces.trace_start_time,
    from traces
    left join actors
        on actors.trace_id = traces.trace_id
        and actors.trace_date = traces.trace_date
)

select * from final
where {{ in_dates('event_date') }}
