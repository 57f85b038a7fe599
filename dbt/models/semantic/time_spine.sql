{{ config(materialized='view', partition_by=none) }}
-- MetricFlow joins metrics on it; dates enough for any telemetry.
select {{ add_days("date '2010-01-01'", 'day_number') }} as date_day
from {{ integers(0, 14609, 'day_number') }}
