-- The ledger against counts from outside: by day and table, by table, over everything. Of several outside counters
-- for one day and table the one that disagrees most is shown, so that rows are not added up twice.
with days as (
    select
        event_date,
        table_name,
        list(counted_by) as counters,
        max(outside_row_count) as outside_row_count,
        min(payload_count) as payload_count,
        min(delivery_count) as delivery_count,
        min(accounted_row_count) as accounted_row_count,
        min(stored_row_count) as stored_row_count,
        min(duplicate_row_count) as duplicate_row_count,
        min(distinct_row_count) as distinct_row_count,
        min(dead_lettered_row_count) as dead_lettered_row_count,
        min(unparsed_message_count) as unparsed_message_count,
        max(abs(unexplained_count)) as unexplained_count,
    from marts.fct_reconciliation_daily
    group by event_date, table_name
),

final as (
    select
        ['day', 'table', 'all'][grouping(event_date) + grouping(table_name) + 1] as level,
        event_date,
        table_name,
        array_to_string(list_sort(list_distinct(flatten(list(counters)))), ', ') as counted_by,
        cast(sum(outside_row_count) as bigint) as outside_row_count,
        cast(sum(payload_count) as bigint) as payload_count,
        cast(sum(delivery_count) as bigint) as delivery_count,
        cast(sum(accounted_row_count) as bigint) as accounted_row_count,
        cast(sum(stored_row_count) as bigint) as stored_row_count,
        cast(sum(duplicate_row_count) as bigint) as duplicate_row_count,
        cast(sum(distinct_row_count) as bigint) as distinct_row_count,
        cast(sum(dead_lettered_row_count) as bigint) as dead_lettered_row_count,
        cast(sum(unparsed_message_count) as bigint) as unparsed_message_count,
        cast(sum(unexplained_count) as bigint) as unexplained_count,
        count(*) filter (outside_row_count is null and stored_row_count > 0) as uncounted_date_count,
    from days
    group by grouping sets ((event_date, table_name), (table_name), ())
    having count(*) > 0
)

select * from final
order by level, list_position(['traces', 'logs', 'metrics'], table_name), table_name, event_date
