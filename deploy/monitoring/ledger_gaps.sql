-- A scheduled query, daily after the build: fails when a day that is over has rows that nothing explains, when there is
-- no reconciliation to ask, or when no build has ended well for a day. ledger_gaps.json alerts on the failure.
with days as (
    select
        event_date,
        table_name,
        unexplained_count,
    from marts.fct_reconciliation_daily
    where event_date >= current_date - 7
        and event_date < current_date
),

gaps as (
    select
        count(*) as day_count,
        count(case when unexplained_count > 0 then 1 end) as gap_count,
        max(case when unexplained_count > 0 then concat(cast(event_date as string), ' ', table_name) end) as latest_gap,
    from days
),

builds as (
    select max(build_time) as latest_build_time
    from marts_state.last_build
)

select
    case
        when latest_build_time is null then error('no build has ended well yet: run otelmart build --target bigquery')
        when latest_build_time < current_timestamp - interval 26 hour
            then error(concat('no build has ended well since ', cast(latest_build_time as string)))
        when day_count = 0 then error('no reconciliation of the last 7 days: was the build run?')
        when gap_count > 0 then error(concat(cast(gap_count as string), ' gaps in the ledger, the latest: ', latest_gap))
    end as gap,
from gaps
cross join builds
