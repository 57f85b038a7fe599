{%- set page_limit = 5 %}
-- The first pages of a session as one text; a page seen again in a row counts once.
with page_views as (
    select
        event_date,
        session_key,
        deployment_environment,
        service_namespace,
        page_name,
        page_number,
        lag(page_name) over (partition by event_date, session_key order by page_number) as previous_page_name,
    from {{ ref('int_session_events') }}
    where {{ in_dates('event_date') }}
        and fact = 'page_view'
),

steps as (
    select
        *,
        row_number() over (partition by event_date, session_key order by page_number) as step_number,
    from page_views
    where previous_page_name is null or previous_page_name != page_name
),

paths as (
    select
        event_date,
        session_key,
        deployment_environment,
        service_namespace,
        string_agg(page_name, ' > ' order by step_number) as path,
        count(*) as page_count,
    from steps
    where step_number <= {{ page_limit }}
    group by event_date, session_key, deployment_environment, service_namespace
),

orders as (
    select distinct event_date, session_key
    from {{ ref('int_session_events') }}
    where {{ in_dates('event_date') }}
        and fact = 'order'
        and fact_name = 'placed'
),

counts as (
    select
        paths.event_date,
        paths.deployment_environment,
        paths.service_namespace,
        paths.path,
        min(paths.page_count) as page_count,
        count(*) as session_count,
        count(orders.session_key) as session_with_order_count,
    from paths
    left join orders
        on orders.event_date = paths.event_date
        and orders.session_key = paths.session_key
    group by paths.event_date, paths.deployment_environment, paths.service_namespace, paths.path
),

paths_daily as (
    select
        event_date,

        deployment_environment,
        service_namespace,
        path,

        page_count,
        session_count,
        session_with_order_count,
        {{ ratio('session_count', 'sum(session_count) over (partition by event_date, deployment_environment, service_namespace)') }} as session_ratio,
        {{ ratio('session_with_order_count', 'session_count') }} as order_ratio,
    from counts
),

{{ coverage_of_days(in_dates('event_date')) }},

final as (
    select
        paths_daily.*,
        coverage.coverage_ratio,
    from paths_daily
    {{ join_coverage('paths_daily') }}
)

select * from final
