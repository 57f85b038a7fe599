{# Where a client and a server span share their id, the server's becomes `ID/server`, below the client's; a span below
   the id is the client's if it is of the client's service, else the server's. For `from … as spans`. #}
{% macro join_shared_spans() %}
    left join (
        select trace_id as own_trace_id, span_id as own_span_id
        from {{ ref('int_shared_spans') }}
        where {{ in_read_dates('event_date') }}
    ) as own
        on own.own_trace_id = spans.trace_id
        and own.own_span_id = spans.span_id
        and spans.span_kind in ('SERVER', 'CONSUMER')
    left join (
        select trace_id as above_trace_id, span_id as above_span_id, caller_name as above_caller_name
        from {{ ref('int_shared_spans') }}
        where {{ in_read_dates('event_date') }}
    ) as above
        on above.above_trace_id = spans.trace_id
        and above.above_span_id = spans.parent_span_id
        and above.above_caller_name != spans.service_name
{%- endmacro %}

{% macro tree_span_id() -%}
    case when own_span_id is not null then concat(span_id, '/server') else span_id end
{%- endmacro %}

{% macro tree_parent_span_id() -%}
    case
        when own_span_id is not null then span_id
        when above_span_id is not null then concat(parent_span_id, '/server')
        else parent_span_id
    end
{%- endmacro %}
