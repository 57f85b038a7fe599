{# Severity in OTel's short names, from the number, else from the text; (not set) when neither tells. #}
{% macro severity(number, text) -%}
    case
        when {{ number }} between 1 and 4 then 'TRACE'
        when {{ number }} between 5 and 8 then 'DEBUG'
        when {{ number }} between 9 and 12 then 'INFO'
        when {{ number }} between 13 and 16 then 'WARN'
        when {{ number }} between 17 and 20 then 'ERROR'
        when {{ number }} between 21 and 24 then 'FATAL'
        when upper({{ text }}) in ('TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL') then upper({{ text }})
        when upper({{ text }}) = 'WARNING' then 'WARN'
        when upper({{ text }}) in ('CRITICAL', 'EMERGENCY', 'ALERT') then 'FATAL'
        else '(not set)'
    end
{%- endmacro %}
