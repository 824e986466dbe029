"""What users import, and what it costs."""

from __future__ import annotations

import subprocess
import sys

import dockerflow

HEAVY = ("docker", "rattler", "conda_lock", "rich", "typer", "yaml", "minio", "numpy", "pandas")


def test_public_names_are_these() -> None:
    assert dockerflow.__all__ == [
        "USER_SKIP_STEP", "Artifact", "Config", "ConfigValue", "DataArtifact", "DockerflowError", "Flow",
        "FlowMutator", "FlowSpec", "IncludeFile", "JSONType", "JSONTypeClass", "Metaflow", "MutableFlow",
        "MutableStep", "NBRunner", "Parameter", "Run", "Runner", "Step", "StepMutator", "Task", "UserStepDecorator",
        "airflow_external_task_sensor", "airflow_s3_key_sensor", "batch", "cache", "card", "catch", "conda",
        "conda_base", "config_expr", "current", "default_metadata", "default_namespace", "environment", "exit_hook",
        "get_metadata", "get_namespace", "image", "isolation", "kubernetes", "local", "metadata", "namespace",
        "parallel", "project", "pypi", "pypi_base", "pytorch_parallel", "remote", "resources", "retry", "schedule",
        "secrets", "step", "timeout", "trigger", "trigger_on_finish", "user_step_decorator",
    ]  # fmt: skip


def test_every_public_name_is_there() -> None:
    for name in dockerflow.__all__:
        assert getattr(dockerflow, name) is not None


def test_all_of_them_load_nothing_heavy() -> None:
    names = [name for name in dockerflow.__all__ if name not in dockerflow._MODULES["dockerflow.client"]]
    code = f"import sys, dockerflow; [getattr(dockerflow, name) for name in {names!r}]; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {name.split(".")[0] for name in loaded} & set(HEAVY)


def test_importing_it_loads_no_other_module_of_it() -> None:
    code = "import sys, dockerflow; print(*[name for name in sys.modules if name.startswith('dockerflow')])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == ["dockerflow"]
