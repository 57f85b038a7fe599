{# Identity of the fact that a row of int_fact_signals tells of; the page that is shown is the row's shown_page_name. #}
{% macro fact_key() -%}
    case fact
        when 'page_view' then trace_id || '/' || shown_page_name
        when 'user_action' then trace_id || '/' || coalesce(event_name, name)
        when 'order' then coalesce(
            deployment_environment || '/' || service_namespace || '/'
            || coalesce(order_id, max(order_id) over (partition by fact, trace_id)),
            trace_id
        )
        else trace_id
    end
{%- endmacro %}
