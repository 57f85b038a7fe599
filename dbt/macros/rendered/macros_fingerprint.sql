{# Rendered from dbt/macros/ by `otelmart render`: do not edit. #}
{% macro macros_fingerprint() %}{{ return('94b50d72f7be4f9ac34160dc1f816d85de3ddfc0804426c4681cded5cd06be93') }}{% endmacro %}
