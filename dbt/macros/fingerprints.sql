{# Version of the rules below: fingerprints of different versions do not mean the same. #}
{% macro fingerprint_version() %}{{ return(1) }}{% endmacro %}
{% macro in_app_frame_limit() %}{{ return(5) }}{% endmacro %}

{#
    A text without what changes from one occurrence to the next: URLs, e-mail addresses, quoted texts, ids, numbers.
    Rules in order; every one is RE2, which both engines speak.
#}
{% macro template_of(text) -%}
    {%- set rules = [
        ('https?://[^\\s"\\x27]+', '<url>'),
        ('[\\w.+-]+@[\\w-]+\\.[\\w.-]+', '<email>'),
        ('"[^"\\n]*"', '<text>'),
        ('\\x27[^\\x27\\n]*\\x27', '<text>'),
        ('\\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\\b', '<id>'),
        ('\\b0x[0-9a-fA-F]+\\b', '<id>'),
        ('\\b(?:[a-zA-Z]+_)?[0-9a-fA-F]*[0-9][0-9a-fA-F]{7,}\\b', '<id>'),
        ('[-+]?[0-9]+(?:[.,:][0-9]+)*', '<n>'),
        ('\\s+', ' '),
    ] -%}
    {%- set found = namespace(sql=text) -%}
    {%- for pattern, replacement in rules -%}
        {%- set found.sql = re_replace(found.sql, pattern, replacement) -%}
    {%- endfor -%}
    substr({{ found.sql }}, 1, 300)
{%- endmacro %}

{# A version as a text that sorts as its numbers count, each in ten digits: 1.9 before 1.10. #}
{% macro version_order(version) -%}
    {{ re_replace(re_replace(version, '[0-9]+', '000000000\\0'), '0*([0-9]{10})', '\\1') }}
{%- endmacro %}

{# Language of a stack trace: what the SDK says, else what it looks like. #}
{% macro stack_language(sdk_language, stacktrace) -%}
    case
        when {{ sdk_language }} in ('python', 'java', 'go', 'dotnet') then {{ sdk_language }}
        when {{ sdk_language }} in ('nodejs', 'webjs') then 'javascript'
        when starts_with({{ stacktrace }}, 'Traceback (most recent call last)') then 'python'
        when starts_with({{ stacktrace }}, 'goroutine ') then 'go'
        when {{ re_matches(stacktrace, '\\n\\tat ') }} then 'java'
        when {{ re_matches(stacktrace, '\\n +at [^\\n]+ in [^\\n]+:line [0-9]') }} then 'dotnet'
        when {{ re_matches(stacktrace, '\\n +at ') }} then 'javascript'
    end
{%- endmacro %}

{# Frames of a stack trace as they are written, a list of texts. #}
{% macro stack_frames(language, stacktrace) -%}
    case {{ language }}
        when 'python' then {{ re_extract_all(stacktrace, 'File ("[^"\\n]+", line [0-9]+, in [^\\n]+)') }}
        when 'java' then {{ re_extract_all(stacktrace, '\\n\\s*at ([^\\n]+)') }}
        when 'javascript' then {{ re_extract_all(stacktrace, '\\n\\s*at ([^\\n]+)') }}
        when 'dotnet' then {{ re_extract_all(stacktrace, '\\n\\s*at ([^\\r\\n]+)') }}
        when 'go' then {{ re_extract_all(stacktrace, '\\n([^\\s\\n][^\\n]*)\\n\\t') }}
    end
{%- endmacro %}

{# A frame without line, column, .NET's file, address, the hash in a bundle's name and the number of a lambda: what stays when
   unrelated lines move and the next build or process comes. #}
{% macro frame_place(frame) -%}
    {%- set rules = [
        (' in [^\\n]+:line [0-9]+$', ''),
        (', line [0-9]+', ''),
        (':[0-9]+', ''),
        ('(?:[-.][0-9a-f]{8,})+\\.', '.'),
        ('\\$\\$Lambda[$/0-9a-fx]*', '$$Lambda'),
        ('\\((?:0x|\\{|\\.\\.\\.)[^\\n]*\\)$', '()'),
    ] -%}
    {%- set found = namespace(sql=frame) -%}
    {%- for pattern, replacement in rules -%}
        {%- set found.sql = re_replace(found.sql, pattern, replacement) -%}
    {%- endfor -%}
    {{ found.sql }}
{%- endmacro %}
