-- Sessions that went from one page to the next, by position; the seven busiest pages by name. No next page: they left.
with transitions as (
    select step_number, from_page_name, to_page_name, transition_count
    from marts.fct_page_transitions
    where deployment_environment = $environment
        and step_number between 1 and 5
),

busiest as (
    select from_page_name as page_name
    from transitions
    group by from_page_name
    order by sum(transition_count) desc, from_page_name
    limit 7
),

named as (
    select
        step_number,
        if(from_page_name in (from busiest), from_page_name, 'other pages') as from_page,
        case
            when to_page_name = '(exit)' then null
            when to_page_name in (from busiest) then to_page_name
            else 'other pages'
        end as to_page,
        transition_count,
    from transitions
),

final as (
    select step_number, from_page, to_page, cast(sum(transition_count) as bigint) as session_count
    from named
    group by step_number, from_page, to_page
)

select * from final
order by step_number, session_count desc, from_page, to_page
