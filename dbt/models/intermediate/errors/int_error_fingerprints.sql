-- Once per distinct text of an exception, not per occurrence: texts repeat.
with texts as (
    select distinct
        event_date,
        {{ digest("coalesce(language, '') || '/' || exception_type || '/' || exception_message || '/' || coalesce(exception_stacktrace, '')") }} as text_id,
        language,
        exception_type,
        exception_message,
        exception_stacktrace,
    from {{ ref('int_exceptions') }}
    where {{ in_dates('event_date') }}
),

listed as (
    select
        event_date,
        text_id,
        language,
        {{ stack_frames('language', 'exception_stacktrace') }} as stack_frames,
    from texts
),

frames as (
    select
        listed.event_date,
        listed.text_id,
        listed.language,
        frame,
        case when listed.language = 'python' then -position else position end as depth,
    from listed
    {{ unnest_with_offset('listed.stack_frames', 'frame', 'position') }}
),

library_frames as (
    select distinct frames.event_date, frames.text_id, frames.depth
    from frames
    inner join {{ ref('library_frames') }} as library
        on library.language = frames.language
        and case
            when frames.language in ('java', 'go', 'dotnet') then starts_with(frames.frame, library.fragment)
            else strpos(frames.frame, library.fragment) > 0
        end
),

in_app as (
    select
        frames.event_date,
        frames.text_id,
        frames.depth,
        {{ frame_place('frames.frame') }} as place,
        row_number() over (partition by frames.event_date, frames.text_id order by frames.depth) as frame_number,
    from frames
    left join library_frames
        on library_frames.event_date = frames.event_date
        and library_frames.text_id = frames.text_id
        and library_frames.depth = frames.depth
    where library_frames.text_id is null
),

stacks as (
    select
        event_date,
        text_id,
        string_agg(place, ' < ' order by frame_number) as in_app_frames,
    from in_app
    where frame_number <= {{ in_app_frame_limit() }}
    group by event_date, text_id
),

templates as (
    select
        texts.event_date,
        texts.text_id,
        texts.exception_type,
        {{ template_of('texts.exception_message') }} as message_template,
        stacks.in_app_frames,
    from texts
    left join stacks
        on stacks.event_date = texts.event_date
        and stacks.text_id = texts.text_id
),

final as (
    select
        event_date,
        text_id,
        {{ digest("'v" ~ fingerprint_version() ~ "/' || exception_type || '/' || coalesce(in_app_frames, message_template)") }} as error_group_id,
        message_template,
        in_app_frames,
    from templates
)

select * from final
