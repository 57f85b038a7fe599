{{ config(severity='warn') }}
-- Whole hours of the last day in which a service answered less than half or more than double of what it did in the same
-- hour of the four weeks before, on average of those in which it answered anything on that day. At least two of them.
{%- set weeks, least_usual_count = 4, 50 %}
{%- set hour_us = 60 * 60 * 1000000 %}
{%- set week_us = 7 * 24 * hour_us %}
{%- set today = modules.datetime.date.fromisoformat(as_of_date()[6:16]) %}
{%- set dates = [] %}
{%- for week in range(weeks + 1) %}
    {%- for day in (0, 1) %}
        {%- do dates.append("date '" ~ (today - modules.datetime.timedelta(days=7 * week + day)) ~ "'") %}
    {%- endfor %}
{%- endfor %}
with hours as (
    select
        deployment_environment,
        service_namespace,
        service_name,
        request_count,
        {{ us_between('hour_time', as_of_time()) }} as age_us,
    from {{ ref('fct_golden_signals_hourly') }}
    where event_date in ({{ dates | join(', ') }})
),

placed as (
    select
        *,
        {{ int_div('age_us', week_us) }} as weeks_ago,
        {{ int_div('mod(age_us, ' ~ week_us ~ ')', hour_us) }} as hours_ago,
    from hours
    where age_us >= 0
        and mod(age_us, {{ week_us }}) between {{ hour_us }} and {{ 25 * hour_us - 1 }}
),

weeks as (
    select
        deployment_environment,
        service_namespace,
        service_name,
        count(distinct weeks_ago) as week_count,
    from placed
    where weeks_ago between 1 and {{ weeks }}
    group by deployment_environment, service_namespace, service_name
),

compared as (
    select
        deployment_environment,
        service_namespace,
        service_name,
        hours_ago,
        coalesce(sum(case when weeks_ago = 0 then request_count end), 0) as request_count,
        sum(case when weeks_ago > 0 then request_count end) / max(weeks.week_count) as usual_request_count,
    from placed
    inner join weeks
        using (deployment_environment, service_namespace, service_name)
    where weeks.week_count >= 2
    group by deployment_environment, service_namespace, service_name, hours_ago
)

select
    {{ trunc(from_unix_us(unix_us(as_of_time()) ~ ' - hours_ago * ' ~ hour_us), 'hour') }} as hour_time,
    deployment_environment,
    service_namespace,
    service_name,
    request_count,
    usual_request_count,
from compared
where usual_request_count >= {{ least_usual_count }}
    and (request_count < usual_request_count / 2 or request_count > usual_request_count * 2)
