"""A name that the marts do not know is refused with those they know, none of which can steer the terminal."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.cli.answers import check_known
from pipelines.errors import UsageError
from pipelines.report.warehouse import read_facts

Change = Callable[..., Path]


def test_names_of_services_are_told_defused(warehouse: Change) -> None:
    services = "select 'web' || chr(27) || '[2J' as service_name, 'production' as deployment_environment"
    named = warehouse(f"create or replace table marts.dim_services as {services}")
    check_known(named, environment="production", service=None)
    with pytest.raises(UsageError) as refused:
        check_known(named, environment="production", service="wbe")
    assert str(refused.value) == "no service 'wbe' in the marts: choose one of web\ufffd[2J"


def test_names_of_environments_are_told_defused(warehouse: Change) -> None:
    rename = "update marts.fct_orders set deployment_environment = 'qa' || chr(27) || '[2J'"
    with pytest.raises(UsageError) as refused:
        read_facts(warehouse(rename), "aq")
    assert "qa\ufffd[2J" in str(refused.value)
    assert "\x1b" not in str(refused.value)
