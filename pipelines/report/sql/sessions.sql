-- Sessions of each day and of all days together, with their page views, bounces and length.
select
    if(grouping(event_date) = 0, 'day', 'all') as level,
    event_date,
    count(*) as session_count,
    cast(sum(page_view_count) as bigint) as page_view_count,
    avg(page_view_count) as pages_per_session,
    avg(cast(is_bounce as int)) as bounce_ratio,
    avg(cast(has_user as int)) as known_user_ratio,
    median(duration_seconds) as median_duration_seconds,
from marts.fct_sessions
where deployment_environment = $environment
group by grouping sets ((event_date), ())
having count(*) > 0
order by level, event_date
