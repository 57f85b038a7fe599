"""Shell completion: what bash, zsh and fish ask of the command, as click's scripts ask it."""

import subprocess

import pytest


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["otelmart", "jour"], ["journey"]),
        (["otelmart", "re"], ["replay", "report", "render"]),
        (["otelmart", "errors", "--da"], ["--days"]),
        (["otelmart", "ingest", "--runner", "pl"], ["plain"]),
    ],
)
def test_a_verb_an_option_and_a_choice_are_completed(otelmart: str, typed: list[str], offered: list[str]) -> None:
    env = {"_OTELMART_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(typed), "COMP_CWORD": str(len(typed) - 1)}
    done = subprocess.run([otelmart], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [f"plain,{word}" for word in offered]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(otelmart: str, shell: str) -> None:
    env = {"_OTELMART_COMPLETE": f"{shell}_source", "PATH": "/usr/bin:/bin"}
    done = subprocess.run([otelmart], env=env, capture_output=True, text=True, check=True)
    assert "_OTELMART_COMPLETE" in done.stdout
