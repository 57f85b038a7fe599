with page_views as (
    select
        event_date,
        session_key,
        deployment_environment,
        service_namespace,
        page_number,
        page_name,
    from {{ ref('int_session_events') }}
    where {{ in_dates('event_date') }}
        and fact = 'page_view'
),

entrances as (
    select
        event_date,
        deployment_environment,
        service_namespace,
        0 as step_number,
        '(entrance)' as from_page_name,
        page_name as to_page_name,
    from page_views
    where page_number = 1
),

moves as (
    select
        event_date,
        deployment_environment,
        service_namespace,
        page_number as step_number,
        page_name as from_page_name,
        coalesce(
            lead(page_name) over (partition by event_date, session_key order by page_number), '(exit)'
        ) as to_page_name,
    from page_views
),

steps as (
    select * from entrances
    union all
    select * from moves
),

final as (
    select
        event_date,
        deployment_environment,
        service_namespace,
        step_number,
        from_page_name,
        to_page_name,
        count(*) as transition_count,
    from steps
    group by
        event_date,
        deployment_environment,
        service_namespace,
        step_number,
        from_page_name,
        to_page_name
)

select * from final
