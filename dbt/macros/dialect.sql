{# Every difference between BigQuery and DuckDB that models meet. BigQuery first. #}

{# Event date of a raw row: the partition of the table, or of the lake's directory. #}
{% macro event_date(time_column) %}{{ adapter.dispatch('event_date')(time_column) }}{% endmacro %}
{% macro bigquery__event_date(time_column) %}date({{ time_column }}){% endmacro %}
{% macro duckdb__event_date(time_column) %}event_date{% endmacro %}

{% macro utc_literal(text) %}{{ adapter.dispatch('utc_literal')(text) }}{% endmacro %}
{% macro bigquery__utc_literal(text) %}timestamp '{{ text }}+00'{% endmacro %}
{% macro duckdb__utc_literal(text) %}timestamptz '{{ text }}+00'{% endmacro %}

{# Start of the hour or day of a timestamp, UTC. #}
{% macro trunc(time, unit) %}{{ adapter.dispatch('trunc')(time, unit) }}{% endmacro %}
{% macro bigquery__trunc(time, unit) %}timestamp_trunc({{ time }}, {{ unit }}){% endmacro %}
{% macro duckdb__trunc(time, unit) %}date_trunc('{{ unit }}', {{ time }}){% endmacro %}

{# Start of the run of so many seconds, counted from 1970, that a timestamp falls into. #}
{% macro time_bucket_start(time, seconds) %}{{ adapter.dispatch('time_bucket_start')(time, seconds) }}{% endmacro %}
{% macro bigquery__time_bucket_start(time, seconds) %}timestamp_seconds(div(unix_seconds({{ time }}), {{ seconds }}) * {{ seconds }}){% endmacro %}
{% macro duckdb__time_bucket_start(time, seconds) %}to_timestamp(epoch_us({{ time }}) // {{ seconds * 1000000 }} * {{ seconds }}){% endmacro %}

{# Calendar date of a timestamp in a time zone. #}
{% macro local_date(time, time_zone='UTC') %}{{ adapter.dispatch('local_date')(time, time_zone) }}{% endmacro %}
{% macro bigquery__local_date(time, time_zone) %}date({{ time }}, '{{ time_zone }}'){% endmacro %}
{% macro duckdb__local_date(time, time_zone) %}cast({{ time }} at time zone '{{ time_zone }}' as date){% endmacro %}

{# Whole days from one date to another. #}
{% macro days_between(earlier, later) %}{{ adapter.dispatch('days_between')(earlier, later) }}{% endmacro %}
{% macro bigquery__days_between(earlier, later) %}date_diff({{ later }}, {{ earlier }}, day){% endmacro %}
{% macro duckdb__days_between(earlier, later) %}date_diff('day', {{ earlier }}, {{ later }}){% endmacro %}

{# Microseconds from one timestamp to another. #}
{% macro us_between(earlier, later) %}{{ adapter.dispatch('us_between')(earlier, later) }}{% endmacro %}
{% macro bigquery__us_between(earlier, later) %}timestamp_diff({{ later }}, {{ earlier }}, microsecond){% endmacro %}
{% macro duckdb__us_between(earlier, later) %}(epoch_us({{ later }}) - epoch_us({{ earlier }})){% endmacro %}

{# Timestamp of microseconds since 1970, and back. #}
{% macro from_unix_us(us) %}{{ adapter.dispatch('from_unix_us')(us) }}{% endmacro %}
{% macro bigquery__from_unix_us(us) %}timestamp_micros({{ us }}){% endmacro %}
{% macro duckdb__from_unix_us(us) %}make_timestamptz({{ us }}){% endmacro %}
{% macro unix_us(time) %}{{ adapter.dispatch('unix_us')(time) }}{% endmacro %}
{% macro bigquery__unix_us(time) %}unix_micros({{ time }}){% endmacro %}
{% macro duckdb__unix_us(time) %}epoch_us({{ time }}){% endmacro %}

{# a / b, NULL when b is 0. #}
{% macro ratio(a, b) %}{{ adapter.dispatch('ratio')(a, b) }}{% endmacro %}
{% macro bigquery__ratio(a, b) %}safe_divide({{ a }}, {{ b }}){% endmacro %}
{% macro duckdb__ratio(a, b) %}({{ a }} / nullif({{ b }}, 0)){% endmacro %}

{% macro to_float(x) %}{{ adapter.dispatch('to_float')(x) }}{% endmacro %}
{% macro bigquery__to_float(x) %}cast({{ x }} as float64){% endmacro %}
{% macro duckdb__to_float(x) %}cast({{ x }} as double){% endmacro %}

{% macro to_money(x) %}{{ adapter.dispatch('to_money')(x) }}{% endmacro %}
{% macro bigquery__to_money(x) %}cast({{ x }} as numeric){% endmacro %}
{% macro duckdb__to_money(x) %}cast({{ x }} as decimal(38, 9)){% endmacro %}

{# Integer of a text, NULL when it is none. #}
{% macro to_int(x) %}{{ adapter.dispatch('to_int')(x) }}{% endmacro %}
{% macro bigquery__to_int(x) %}safe_cast({{ x }} as int64){% endmacro %}
{% macro duckdb__to_int(x) %}try_cast({{ x }} as bigint){% endmacro %}

{# An integer whose products do not overflow 64 bits. #}
{% macro to_wide_int(x) %}{{ adapter.dispatch('to_wide_int')(x) }}{% endmacro %}
{% macro bigquery__to_wide_int(x) %}cast({{ x }} as numeric){% endmacro %}
{% macro duckdb__to_wide_int(x) %}cast({{ x }} as hugeint){% endmacro %}

{# 32 hex digits of a text. #}
{% macro digest(text) %}{{ adapter.dispatch('digest')(text) }}{% endmacro %}
{% macro bigquery__digest(text) %}to_hex(md5({{ text }})){% endmacro %}
{% macro duckdb__digest(text) %}md5({{ text }}){% endmacro %}

{% macro re_extract(text, pattern) %}{{ adapter.dispatch('re_extract')(text, pattern) }}{% endmacro %}
{% macro bigquery__re_extract(text, pattern) %}regexp_extract({{ text }}, r'{{ pattern }}'){% endmacro %}
{% macro duckdb__re_extract(text, pattern) %}(case when regexp_matches({{ text }}, '{{ pattern }}') then regexp_extract({{ text }}, '{{ pattern }}', 1) end){% endmacro %}

{% macro re_replace(text, pattern, to) %}{{ adapter.dispatch('re_replace')(text, pattern, to) }}{% endmacro %}
{% macro bigquery__re_replace(text, pattern, to) %}regexp_replace({{ text }}, r'{{ pattern }}', r'{{ to }}'){% endmacro %}
{% macro duckdb__re_replace(text, pattern, to) %}regexp_replace({{ text }}, '{{ pattern }}', '{{ to }}', 'g'){% endmacro %}

{# Every match of the pattern's one group, a list of texts. #}
{% macro re_extract_all(text, pattern) %}{{ adapter.dispatch('re_extract_all')(text, pattern) }}{% endmacro %}
{% macro bigquery__re_extract_all(text, pattern) %}regexp_extract_all({{ text }}, r'{{ pattern }}'){% endmacro %}
{% macro duckdb__re_extract_all(text, pattern) %}regexp_extract_all({{ text }}, '{{ pattern }}', 1){% endmacro %}

{% macro re_matches(text, pattern) %}{{ adapter.dispatch('re_matches')(text, pattern) }}{% endmacro %}
{% macro bigquery__re_matches(text, pattern) %}regexp_contains({{ text }}, r'{{ pattern }}'){% endmacro %}
{% macro duckdb__re_matches(text, pattern) %}regexp_matches({{ text }}, '{{ pattern }}'){% endmacro %}

{# Value of the first attribute of that name. #}
{% macro attribute(attributes, key) %}{{ adapter.dispatch('attribute')(attributes, key) }}{% endmacro %}
{% macro bigquery__attribute(attributes, key) %}(select a.value from unnest({{ attributes }}) as a with offset as o where a.key = '{{ key }}' order by o limit 1){% endmacro %}
{% macro duckdb__attribute(attributes, key) %}list_filter({{ attributes }}, lambda a: a.key = '{{ key }}')[1].value{% endmacro %}

{# Attributes as one text, `key=value, key=value`, sorted. #}
{% macro attributes_text(attributes) %}{{ adapter.dispatch('attributes_text')(attributes) }}{% endmacro %}
{% macro bigquery__attributes_text(attributes) %}coalesce((select string_agg(concat(a.key, '=', coalesce(a.value, '')), ', ' order by concat(a.key, '=', coalesce(a.value, ''))) from unnest({{ attributes }}) as a), ''){% endmacro %}
{% macro duckdb__attributes_text(attributes) %}coalesce(array_to_string(list_sort(list_transform({{ attributes }}, lambda a: concat(a.key, '=', coalesce(a.value, '')))), ', '), ''){% endmacro %}

{# Floor of an integer over a power of two, as OTLP scales exponential buckets down. #}
{% macro shift_right(number, bits) %}{{ adapter.dispatch('shift_right')(number, bits) }}{% endmacro %}
{% macro bigquery__shift_right(number, bits) %}cast(floor({{ number }} / pow(2, least({{ bits }}, 62))) as int64){% endmacro %}
{% macro duckdb__shift_right(number, bits) %}cast(floor({{ number }} / pow(2, least({{ bits }}, 62))) as bigint){% endmacro %}

{# `cross join` of a row with the items of its list and their 0-based positions. #}
{% macro unnest_with_offset(items, item, position) %}{{ adapter.dispatch('unnest_with_offset')(items, item, position) }}{% endmacro %}
{% macro bigquery__unnest_with_offset(items, item, position) %}cross join unnest({{ items }}) as {{ item }} with offset as {{ position }}{% endmacro %}
{% macro duckdb__unnest_with_offset(items, item, position) %}cross join lateral (select unnest({{ items }}) as {{ item }}, generate_subscripts({{ items }}, 1) - 1 as {{ position }}){% endmacro %}

{# Item of a list at a 0-based position, NULL outside. #}
{% macro list_item(items, position) %}{{ adapter.dispatch('list_item')(items, position) }}{% endmacro %}
{% macro bigquery__list_item(items, position) %}{{ items }}[safe_ordinal({{ position }} + 1)]{% endmacro %}
{% macro duckdb__list_item(items, position) %}(case when {{ position }} >= 0 then {{ items }}[{{ position }} + 1] end){% endmacro %}

{# A list as one text, which another list with the same items has too. #}
{% macro list_text(items) %}{{ adapter.dispatch('list_text')(items) }}{% endmacro %}
{% macro bigquery__list_text(items) %}to_json_string({{ items }}){% endmacro %}
{% macro duckdb__list_text(items) %}cast({{ items }} as varchar){% endmacro %}

{% macro list_length(items) %}{{ adapter.dispatch('list_length')(items) }}{% endmacro %}
{% macro bigquery__list_length(items) %}array_length({{ items }}){% endmacro %}
{% macro duckdb__list_length(items) %}len({{ items }}){% endmacro %}

{# After `as` of a CTE that is read twice: DuckDB would keep a copy of it in memory. #}
{% macro not_materialized() %}{{ adapter.dispatch('not_materialized')() }}{% endmacro %}
{% macro bigquery__not_materialized() %}{% endmacro %}
{% macro duckdb__not_materialized() %}not materialized{% endmacro %}

{# Whole quotient of two integers. #}
{% macro int_div(a, b) %}{{ adapter.dispatch('int_div')(a, b) }}{% endmacro %}
{% macro bigquery__int_div(a, b) %}div({{ a }}, {{ b }}){% endmacro %}
{% macro duckdb__int_div(a, b) %}({{ a }} // {{ b }}){% endmacro %}

{# What stands after `cross join`: the whole numbers from first to last, as a column. #}
{% macro integers(first, last, name) %}{{ adapter.dispatch('integers')(first, last, name) }}{% endmacro %}
{% macro bigquery__integers(first, last, name) %}unnest(generate_array({{ first }}, {{ last }})) as {{ name }}{% endmacro %}
{% macro duckdb__integers(first, last, name) %}unnest(generate_series({{ first }}, {{ last }})) as _({{ name }}){% endmacro %}

{# First day of the month so many months before the month of a date. #}
{% macro month_start(date, months_back) %}{{ adapter.dispatch('month_start')(date, months_back) }}{% endmacro %}
{% macro bigquery__month_start(date, months_back) %}date_sub(date_trunc({{ date }}, month), interval {{ months_back }} month){% endmacro %}
{% macro duckdb__month_start(date, months_back) %}cast(date_trunc('month', {{ date }}) - to_months(cast({{ months_back }} as integer)) as date){% endmacro %}

{# Date so many days after a date. #}
{% macro add_days(date, days) %}{{ adapter.dispatch('add_days')(date, days) }}{% endmacro %}
{% macro bigquery__add_days(date, days) %}date_add({{ date }}, interval {{ days }} day){% endmacro %}
{% macro duckdb__add_days(date, days) %}({{ date }} + cast({{ days }} as integer)){% endmacro %}
