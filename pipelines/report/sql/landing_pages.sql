-- Where sessions begin, and how many of them see nothing else.
select
    coalesce(landing_page_name, '(no page view)') as landing_page,
    count(*) as session_count,
    avg(cast(is_bounce as int)) as bounce_ratio,
from marts.fct_sessions
where deployment_environment = $environment
group by landing_page
order by session_count desc, landing_page
