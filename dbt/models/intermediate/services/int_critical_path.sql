{{ config(meta={'days_before': 1, 'days_after': 1}) }}
{%- set depth_limit = 10 %}
-- Walking back from a span's end, its critical children are those that end before all that finish later have begun: the
-- last to finish, the last before that one began, and so on. Each is cut to the time of what lies above it on the path.
with spans as {{ not_materialized() }} (
    select
        event_date,
        trace_id,
        {{ tree_span_id() }} as span_id,
        {{ tree_parent_span_id() }} as parent_span_id,
        deployment_environment,
        service_namespace,
        service_name,
        coalesce(http_route, name) as operation,
        span_kind,
        {{ unix_us('start_time') }} as start_us,
        {{ unix_us('end_time') }} as end_us,
        weight_micros,
    from {{ ref('stg_otel__spans') }} as spans
    {{- join_shared_spans() }}
    where {{ in_read_dates('event_date') }}
        and not is_excluded
        and duration_ns >= 0
),

path_0 as (
    select
        trace_id,
        span_id,
        event_date as root_date,
        cast(null as string) as above_span_id,
        start_us,
        end_us,
    from spans
    where parent_span_id is null
),
{% for depth in range(1, depth_limit + 1) %}
below_{{ depth }} as (
    select
        spans.trace_id,
        spans.span_id,
        above.root_date,
        above.span_id as above_span_id,
        greatest(spans.start_us, above.start_us) as start_us,
        least(spans.end_us, above.end_us) as end_us,
    from path_{{ depth - 1 }} as above
    inner join spans
        on spans.trace_id = above.trace_id
        and spans.parent_span_id = above.span_id
    where spans.start_us < above.end_us
        and spans.end_us > above.start_us
),

compared_{{ depth }} as (
    select
        *,
        min(start_us) over (
            partition by trace_id, above_span_id
            order by end_us desc, start_us desc, span_id
            rows between unbounded preceding and 1 preceding
        ) as later_start_us,
    from below_{{ depth }}
),

path_{{ depth }} as (
    select trace_id, span_id, root_date, above_span_id, start_us, end_us
    from compared_{{ depth }}
    where later_start_us is null or end_us <= later_start_us
),
{% endfor %}
path as (
{%- for depth in range(0, depth_limit + 1) %}
    select * from path_{{ depth }}
    {%- if not loop.last %}
    union all
    {%- endif %}
{%- endfor %}
),

covered as (
    select trace_id, above_span_id, sum(end_us - start_us) as covered_us
    from path
    where above_span_id is not null
    group by trace_id, above_span_id
),

final as (
    select
        path.root_date as event_date,

        spans.trace_id,
        spans.span_id,

        spans.deployment_environment,
        spans.service_namespace,
        spans.service_name,
        spans.operation,
        spans.span_kind,

        path.end_us - path.start_us - coalesce(covered.covered_us, 0) as self_us,
        spans.weight_micros,
    from path
    inner join spans
        on spans.trace_id = path.trace_id
        and spans.span_id = path.span_id
    left join covered
        on covered.trace_id = path.trace_id
        and covered.above_span_id = path.span_id
)

select * from final
where {{ in_dates('event_date') }}
