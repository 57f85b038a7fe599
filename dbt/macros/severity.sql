{# Severity in OTel's short names, from the number, else from the text, as syslog, Java, .NET or Go have it, or with the digit
   of a finer one (ERROR2); (not set) when neither tells. #}
{% macro severity(number, text) -%}
    {%- set name = "rtrim(upper(trim(" ~ text ~ ", ' ')), '1234')" -%}
    case
        when {{ number }} between 1 and 4 then 'TRACE'
        when {{ number }} between 5 and 8 then 'DEBUG'
        when {{ number }} between 9 and 12 then 'INFO'
        when {{ number }} between 13 and 16 then 'WARN'
        when {{ number }} between 17 and 20 then 'ERROR'
        when {{ number }} between 21 and 24 then 'FATAL'
        when {{ name }} in ('TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL') then {{ name }}
        when {{ name }} in ('VERBOSE', 'FINEST') then 'TRACE'
        when {{ name }} in ('FINE', 'FINER', 'CONFIG') then 'DEBUG'
        when {{ name }} in ('INFORMATION', 'INFORMATIONAL', 'NOTICE') then 'INFO'
        when {{ name }} = 'WARNING' then 'WARN'
        when {{ name }} in ('ERR', 'SEVERE') then 'ERROR'
        when {{ name }} in ('CRITICAL', 'CRIT', 'EMERGENCY', 'EMERG', 'ALERT', 'PANIC', 'DPANIC') then 'FATAL'
        else '(not set)'
    end
{%- endmacro %}
