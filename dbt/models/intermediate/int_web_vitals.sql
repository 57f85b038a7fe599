{{ config(meta={'days_before': 1, 'days_after': 1}) }}
{%- set skew_us = var('clock_skew_seconds') * 1000000 %}
-- Vitals are reported again as they grow: the last report of an id counts. A tab stays open for days: reports of the
-- first day and of the next are of one page load; a later one is of another load after a day without any, else left
-- out, so that no date needs more than its neighbours.
with reports as (
    select * from {{ ref('int_web_vital_reports') }}
    where {{ in_read_dates('event_date') }}
),

page_views as (
    select
        event_date,
        fact_key,
        trace_id,
        deployment_environment,
        service_namespace,
        page_name,
        {{ url_path('page_url') }} as page_path,
        coalesce('session:' || actor_session_id, 'user:' || actor_user_id) as actor,
        case when client_time is null then {{ skew_us }} else 0 end as skew_us,
        coalesce(client_time, fact_time) as seen_time,
    from {{ ref('int_facts') }}
    where {{ in_read_dates('event_date') }}
        and fact = 'page_view'
),

report_dates as (
    select distinct vital_key, event_date from reports
),

dates as (
    select
        vital_key,
        event_date as first_date,
        {{ add_days('event_date', '1') }} as next_date,
        lag(event_date) over (partition by vital_key order by event_date) as previous_date,
    from report_dates
),

first_dates as (
    select * from dates
    where previous_date is null or {{ days_between('previous_date', 'first_date') }} > 1
),

ranked as (
    select
        reports.*,
        first_dates.first_date,
        min(reports.report_time) over (partition by reports.vital_key, first_dates.first_date) as first_report_time,
        count(*) over (partition by reports.vital_key, first_dates.first_date) as report_count,
        row_number() over (
            partition by reports.vital_key, first_dates.first_date
            order by reports.report_time desc, reports.row_ordinal desc, reports.signal_id desc
        ) as report_number,
    from reports
    inner join first_dates
        on first_dates.vital_key = reports.vital_key
        and reports.event_date in (first_dates.first_date, first_dates.next_date)
),

vitals as (
    select * from ranked
    where report_number = 1
),

in_the_trace as (
    select
        vitals.vital_key,
        vitals.first_date,
        page_views.*,
        1 as priority,
        case
            when coalesce(vitals.page_name, vitals.page_path) is null then 0
            when vitals.page_name = page_views.page_name then 0
            when vitals.page_path in (page_views.page_name, page_views.page_path) then 0
            else 1
        end as is_other_page,
        case
            when {{ us_between('page_views.seen_time', 'vitals.first_report_time') }} >= -page_views.skew_us then 0
            else 1
        end as is_later,
    from vitals
    inner join page_views
        on page_views.trace_id = vitals.trace_id
),

in_the_session as (
    select vitals.vital_key, vitals.first_date, page_views.*, 2 as priority, 0 as is_other_page, 0 as is_later
    from vitals
    inner join page_views
        on page_views.deployment_environment = vitals.deployment_environment
        and page_views.service_namespace = vitals.service_namespace
        and page_views.actor = vitals.actor
    where {{ us_between('page_views.seen_time', 'vitals.first_report_time') }} >= -page_views.skew_us
        and (
            coalesce(vitals.page_name, vitals.page_path) is null
            or vitals.page_name = page_views.page_name
            or vitals.page_path = page_views.page_name
            or vitals.page_path = page_views.page_path
        )
),

candidates as (
    select * from in_the_trace
    union all
    select * from in_the_session
),

matched as (
    select * from candidates
    where {{ days_between('first_date', 'event_date') }} between -1 and 1
    qualify row_number() over (
        partition by vital_key, first_date
        order by priority, is_other_page, is_later, seen_time desc, fact_key
    ) = 1
),

final as (
    select
        vitals.first_date as event_date,

        vitals.vital_key,
        matched.fact_key as page_view_key,
        vitals.trace_id,

        vitals.deployment_environment,
        vitals.service_namespace,
        vitals.service_name,
        coalesce(vitals.page_name, matched.page_name, vitals.http_route, vitals.page_path, '(not set)') as page_name,
        vitals.vital_name,
        vitals.unit,
        vitals.rating,

        vitals.vital_value,
        vitals.report_count,
        vitals.weight_micros,

        vitals.first_report_time,
        vitals.report_time,
    from vitals
    left join matched
        on matched.vital_key = vitals.vital_key
        and matched.first_date = vitals.first_date
)

select * from final
where {{ in_dates('event_date') }}
