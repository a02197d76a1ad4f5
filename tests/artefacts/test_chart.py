"""The Helm chart, as Helm renders it, held against Kubernetes' own schemas."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from helm_python import Chart, HelmError, lint

from tests.artefacts.surroundings import KNOWN, STOP_SECONDS

SECRETS = {
    "DATABASE_URL": "postgresql://todo:secret@db/todo",
    "SECRET_KEY": "a key for tests that is long enough",
    "SMTP_URL": "smtp://mail",
    "REDIS_URL": "redis://valkey",
    "SENTRY_DSN": "https://key@sentry.example.com/1",
}
MINIMAL: dict[str, Any] = {
    "worker": {"enabled": False},
    "migrations": {"enabled": False},
    "networkPolicy": {"enabled": False},
    "web": {"replicas": 1, "podDisruptionBudget": {"enabled": False}, "resources": {}},
    "trustedProxies": "",
}
FULL: dict[str, Any] = {
    "image": {"digest": f"sha256:{'0' * 64}"},
    "imagePullSecrets": [{"name": "pull"}],
    "secret": {"values": SECRETS},
    "settings": {"LOG_LEVEL": "DEBUG", "DATABASE_POOL_SIZE": 5, "ENABLE_COMPRESSION": False},
    "extraEnv": [{"name": "BCRYPT_ROUNDS", "value": "13"}],
    "serviceAccountName": "todo",
    "podAnnotations": {"example.com/a": "b"},
    "podLabels": {"example.com/c": "d"},
    "priorityClassName": "high",
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "a", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "web": {"autoscaling": {"enabled": True}, "workers": 2},
    "service": {"annotations": {"example.com/e": "f"}},
    "ingress": {
        "enabled": True,
        "className": "nginx",
        "tlsSecretName": "tls",
        "annotations": {"nginx.ingress.kubernetes.io/proxy-buffering": "off"},
    },
    "networkPolicy": {
        "from": [{"namespaceSelector": {"matchLabels": {"name": "ingress"}}}],
        "metricsFrom": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}],
    },
    "metrics": {
        "enabled": True,
        "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
        "prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}},
    },
}
CASES = {"default": {}, "minimal": MINIMAL, "full": FULL}
VERSIONS = ("1.30", "1.37")
OPERATOR = "monitoring.coreos.com/v1"

Resource = dict[str, Any]


@pytest.fixture(scope="module")
def folder(project: Path) -> Path:
    """The chart's folder."""
    return project / "helm" / "todo-gql"


@pytest.fixture(scope="module")
def chart(folder: Path) -> Iterator[Chart]:
    """The chart."""
    with Chart.load(folder) as chart:
        yield chart


def rendered(chart: Chart, values: dict[str, Any]) -> list[Resource]:
    """What the chart makes of some values."""
    files = chart.render(values, name="demo", namespace="apps")
    texts = [text for path, text in sorted(files.items()) if path.endswith(".yaml")]
    return [resource for text in texts for resource in yaml.safe_load_all(text) if resource]


@pytest.fixture(scope="module", params=CASES.values(), ids=list(CASES))
def resources(chart: Chart, request: pytest.FixtureRequest) -> list[Resource]:
    """What the chart makes of the default, of minimal and of full values."""
    return rendered(chart, request.param)


@pytest.fixture(scope="module")
def full(chart: Chart) -> dict[tuple[str, str], Resource]:
    """What it makes of full values, by kind and name."""
    return {(one["kind"], one["metadata"]["name"]): one for one in rendered(chart, FULL)}


def pods(resources: list[Resource]) -> dict[str, Resource]:
    """The pods' specifications by their components."""
    found = {}
    for one in resources:
        pod = one if one["kind"] == "Pod" else one.get("spec", {}).get("template")
        if pod:
            component = pod["metadata"]["labels"]["app.kubernetes.io/component"]
            found[component] = pod["spec"]
    return found


@pytest.mark.parametrize("values", CASES.values(), ids=CASES)
def test_helm_lints_it(folder: Path, values: dict[str, Any]) -> None:
    """There is no error and no warning, and the values keep to their schema."""
    report = lint(folder, values, strict=True)
    assert report["errors"] == []
    assert [one for one in report["messages"] if one["severity"] > 1] == []


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_knows_every_field(resources: list[Resource], version: str) -> None:
    """Each resource keeps to the strict schema of its kind."""
    for one in resources:
        if one["apiVersion"] != OPERATOR:
            kubernetes_validate.validate(one, version, strict=True)


def test_the_operator_knows_what_it_is_told(
    full: dict[tuple[str, str], Resource], project: Path
) -> None:
    """The ServiceMonitor finds the metrics, the PrometheusRule has the alerts word for word."""
    told = [one for one in full.values() if one["apiVersion"] == OPERATOR]
    assert {one["kind"] for one in told} == {"PrometheusRule", "ServiceMonitor"}
    validator = project / ".ci" / "validate-monitoring.mjs"
    done = subprocess.run(
        ["node", validator],  # noqa: S607
        check=False,
        input=json.dumps(told),
        text=True,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    alerts = yaml.safe_load((project / "helm" / "todo-gql" / "alerts.yaml").read_text())
    assert full["PrometheusRule", "demo-todo-gql"]["spec"] == alerts
    monitor = full["ServiceMonitor", "demo-todo-gql"]["spec"]
    service = full["Service", "demo-todo-gql-metrics"]
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["endpoints"][0]["port"] == service["spec"]["ports"][0]["name"]


def test_everything_that_can_be_made_is_made(full: dict[tuple[str, str], Resource]) -> None:
    """Full values leave nothing out."""
    assert set(full) == {
        ("Deployment", "demo-todo-gql-web"),
        ("Deployment", "demo-todo-gql-worker"),
        ("HorizontalPodAutoscaler", "demo-todo-gql-web"),
        ("Ingress", "demo-todo-gql"),
        ("Job", "demo-todo-gql-migrate"),
        ("NetworkPolicy", "demo-todo-gql"),
        ("NetworkPolicy", "demo-todo-gql-web"),
        ("Pod", "demo-todo-gql-test-ready"),
        ("PodDisruptionBudget", "demo-todo-gql-web"),
        ("PrometheusRule", "demo-todo-gql"),
        ("Secret", "demo-todo-gql"),
        ("Secret", "demo-todo-gql-migrate"),
        ("Service", "demo-todo-gql"),
        ("Service", "demo-todo-gql-metrics"),
        ("ServiceMonitor", "demo-todo-gql"),
    }


def test_every_pod_is_restricted(resources: list[Resource]) -> None:
    """No root, no privilege, no capability, no token, and only /tmp can be written to."""
    assert {"web", "test"} <= set(pods(resources))
    for component, pod in pods(resources).items():
        context = pod["securityContext"]
        assert context["runAsNonRoot"] is True, component
        assert context["runAsUser"] >= 10000, component
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, component
        assert pod["automountServiceAccountToken"] is False, component
        assert [volume["name"] for volume in pod["volumes"]] == ["tmp"], component
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod), component
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, component


def test_what_is_set_is_a_setting(resources: list[Resource]) -> None:
    """No name is misspelt, since the program ignores names that it doesn't know."""
    for pod in pods(resources).values():
        for container in pod["containers"]:
            assert {one["name"] for one in container.get("env", [])} <= KNOWN


def test_every_component_has_its_secrets(full: dict[tuple[str, str], Resource]) -> None:
    """A Secret is there before whoever needs it, the job's before the release itself."""
    for component, pod in pods(list(full.values())).items():
        for container in pod["containers"]:
            for source in container.get("envFrom", []):
                secret = full["Secret", source["secretRef"]["name"]]
                assert set(secret["stringData"]) == set(SECRETS) <= KNOWN
                is_hook = "helm.sh/hook" in secret["metadata"].get("annotations", {})
                assert is_hook == (component == "migrate")


def test_a_pod_may_take_its_time_to_stop(resources: list[Resource]) -> None:
    """The grace is longer than the wait before the signal and the drain after it."""
    for component, pod in pods(resources).items():
        if component in {"web", "worker"}:
            [container] = pod["containers"]
            wait = container.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command")
            seconds = int(wait[1]) if wait else 0
            assert pod["terminationGracePeriodSeconds"] > seconds + STOP_SECONDS


def test_a_grace_that_is_too_short_is_refused(chart: Chart) -> None:
    """Who lets Kubernetes kill servers that still drain is told the least number of seconds."""
    with pytest.raises(HelmError, match="has to be 31 or more"):
        rendered(chart, {"web": {"terminationGracePeriodSeconds": 30}})


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"replicas": 3}, "replicas"),
        ({"secret": {"values": {"DATABASE_URL": "postgresql://db"}}}, "SECRET_KEY"),
        ({"secret": {"values": SECRETS | {"SECRET_KEY": "short"}}}, "SECRET_KEY"),
        ({"settings": {"SECRET_KEY": "in the open"}}, "SECRET_KEY"),
        ({"settings": {"VAPID_PRIVATE_KEY": "in the open"}}, "VAPID_PRIVATE_KEY"),
        ({"settings": {"log_level": "DEBUG"}}, "log_level"),
        ({"image": {"digest": "latest"}}, "digest"),
    ],
)
def test_odd_values_are_refused(chart: Chart, values: dict[str, Any], complaint: str) -> None:
    """A name that doesn't exist and a secret in the wrong place are named before an install."""
    with pytest.raises(HelmError, match=complaint):
        chart.validate_schema(values)


def test_a_server_is_probed(resources: list[Resource]) -> None:
    """A slow start is waited for, a lost database only ends the traffic, a hang the process."""
    [container] = pods(resources)["web"]["containers"]
    assert container["startupProbe"]["httpGet"]["path"] == "/health/live"
    assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"
    assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    named = {port["name"]: port["containerPort"] for port in container["ports"]}
    [port] = [one["value"] for one in container["env"] if one["name"] == "PORT"]
    assert named["http"] == int(port)


def test_a_roll_out_takes_no_server_away_first(resources: list[Resource]) -> None:
    """A roll-out stops no server before a new one is ready, so as many as there were answer."""
    for one in resources:
        if one["kind"] == "Deployment" and one["metadata"]["name"].endswith("-web"):
            assert one["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_an_upgrade_migrates_first(full: dict[tuple[str, str], Resource]) -> None:
    """The job is a hook before an install and an upgrade, and is there again for the next."""
    job = full["Job", "demo-todo-gql-migrate"]
    annotations = job["metadata"]["annotations"]
    assert annotations["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert "before-hook-creation" in annotations["helm.sh/hook-delete-policy"]
    [container] = job["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["migrate"]


def test_the_metrics_are_not_published(full: dict[tuple[str, str], Resource]) -> None:
    """The Ingress leads to the port of the API, and only who may scrape reaches the other one."""
    [rule] = full["Ingress", "demo-todo-gql"]["spec"]["rules"]
    [path] = rule["http"]["paths"]
    assert path["backend"]["service"]["port"] == {"name": "http"}
    [http, metrics] = full["NetworkPolicy", "demo-todo-gql-web"]["spec"]["ingress"]
    assert http["from"][0] == FULL["networkPolicy"]["from"][0]
    assert metrics["from"] == FULL["networkPolicy"]["metricsFrom"]


def test_a_digest_wins_over_a_tag(full: dict[tuple[str, str], Resource]) -> None:
    """All pods run the very image that was tested."""
    for pod in pods(list(full.values())).values():
        [container] = pod["containers"]
        assert container["image"].endswith(f"@{FULL['image']['digest']}")


def names(values: dict[str, Any]) -> Iterator[str]:
    """The names of what can be set, without the groups that they are in."""
    for name, value in values.items():
        if isinstance(value, dict) and value and name != "resources":
            yield from names(value)
        else:
            yield name


def test_the_readme_tells_of_every_value(chart: Chart, folder: Path) -> None:
    """Nobody has to read templates to find out what can be set."""
    told = re.findall(r"`\.?([\w.]+)`", (folder / "README.md").read_text())
    assert set(names(chart.values)) <= {name.rpartition(".")[2] for name in told}


def test_the_version_is_the_program_s(chart: Chart, project: Path) -> None:
    """A chart without a tag starts the image of its own version."""
    text = (project / "pyproject.toml").read_text()
    assert f'version = "{chart.metadata["appVersion"]}"' in text
