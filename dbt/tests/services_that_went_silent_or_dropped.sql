{{ config(severity='warn') }}
-- On the last date that is over: services that sent nothing, or less than half of what they sent a day in the week before.
select event_date, deployment_environment, service_namespace, service_name, state, volume_factor
from {{ ref('fct_service_presence_daily') }}
where state in ('silent', 'dropped')
    and event_date = (
        select max(event_date) from {{ ref('fct_service_presence_daily') }}
        where event_date < {{ as_of_date() }}
    )
