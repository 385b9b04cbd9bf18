"""Checks the files of deploy/ that no test can run: against the schemas of those who read them, and against each other.

    manifests.py DEPLOY COMPOSE_SCHEMA

Says what is wrong, a line each, and ends with 1; says how much it looked at if nothing is.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any, Iterator
from urllib.parse import urlsplit

import jsonschema
import kubernetes_validate
import yaml

KUBERNETES = "1.34"
# Name servers tell of a new pod's address up to 30 s late, and an edge asks a core that was lost every 4 s.
CORE_FOUND_SECONDS = 34
# Sockets have it beyond the edge's drain window: edge/src/app.rs.
DRAIN_GRACE_SECONDS = 2
# Kustomize's own, which are no objects of a cluster.
RECIPES = ("Kustomization", "Component")
# What the operator's ServiceMonitor may say here; its schema comes with no package.
MONITOR_FIELDS = {"port", "interval", "path", "scheme", "tlsConfig"}

Manifest = dict[str, Any]


def kubernetes(folder: Path) -> Iterator[str]:
    manifests = [(path, one) for path in sorted(folder.rglob("*.yaml")) for one in yaml.safe_load_all(path.read_text())]
    for path, manifest in manifests:
        kind = manifest["kind"]
        if kind in RECIPES:
            yield from (f"{path}: {name} is not there" for name in manifest.get("resources", []) if not (path.parent / name).exists())
        elif kind == "ServiceMonitor":
            yield from (f"{path}: endpoints have no {field}" for one in manifest["spec"]["endpoints"] for field in set(one) - MONITOR_FIELDS)
        else:
            try:
                kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
            except kubernetes_validate.ValidationError as error:
                yield f"{path}: {kind} {manifest['metadata']['name']}: {'.'.join(map(str, error.path))}: {error.message}"
    everything = [manifest for _, manifest in manifests if manifest["kind"] not in RECIPES]
    yield from together(everything)
    for path, overlay in ((path, one) for path, one in manifests if one.get("patches")):
        patches = [yaml.safe_load(one["patch"]) for one in overlay["patches"]]
        yield from (f"{path}: {found}" for found in overlaid(everything, patches))


def overlaid(manifests: list[Manifest], patches: list[Manifest]) -> Iterator[str]:
    """What is wrong once the patches are applied."""
    named = {(one["kind"], one["metadata"]["name"]): one for one in manifests}
    for patch in patches:
        target = (patch["kind"], patch["metadata"]["name"])
        if target not in named:
            yield f"{target} is not there to be patched"
            continue
        named[target] = merged(named[target], patch)
        try:
            kubernetes_validate.validate(named[target], KUBERNETES, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{target}: {'.'.join(map(str, error.path))}: {error.message}"
    yield from together(list(named.values()))


def merged(base: Any, patch: Any) -> Any:
    """As Kustomize merges: objects by field, lists of what has a name by that name, or by where it is mounted."""
    if isinstance(base, dict) and isinstance(patch, dict):
        return {**base, **{key: merged(base.get(key), value) for key, value in patch.items()}}
    if isinstance(base, list) and isinstance(patch, list) and all(isinstance(one, dict) for one in patch):
        key = "mountPath" if any("mountPath" in one for one in patch) else "name"
        old = {one[key]: one for one in base}
        return list({**old, **{one[key]: merged(old.get(one[key]), one) for one in patch}}.values())
    return patch


def together(manifests: list[Manifest]) -> Iterator[str]:
    """What the manifests say of each other."""
    workloads = [one for one in manifests if one["kind"] in ("Deployment", "StatefulSet")]
    services = {one["metadata"]["name"]: one for one in manifests if one["kind"] == "Service"}
    for workload in workloads:
        yield from of_pod(workload["metadata"]["name"], workload["spec"]["template"])
        if workload["spec"]["selector"]["matchLabels"] != workload["spec"]["template"]["metadata"]["labels"]:
            yield f"{workload['metadata']['name']} does not select its own pods"
    yield from of_cores(workloads)
    pods = [one["spec"]["template"]["metadata"]["labels"] for one in workloads]
    for one in manifests:
        spec, name = one.get("spec", {}), f"{one['kind']} {one['metadata']['name']}"
        if one["kind"] in ("Service", "PodDisruptionBudget", "NetworkPolicy", "ServiceMonitor"):
            selector = spec.get("podSelector") or spec.get("selector") or {}
            labels = selector.get("matchLabels", selector)
            if labels not in pods:
                yield f"{name} selects nothing: {labels}"
        if one["kind"] == "Service":
            open_ports = {port["name"] for workload in workloads if workload["spec"]["template"]["metadata"]["labels"] == labels for port in ports(workload)}
            yield from (f"{name} sends to {port['targetPort']}, which no pod opens" for port in spec["ports"] if port["targetPort"] not in open_ports)
        if one["kind"] == "ServiceMonitor":
            served = {port["name"] for port in services[one["metadata"]["name"]]["spec"]["ports"]}
            yield from (f"{name} looks at {end['port']}, which is not served" for end in spec["endpoints"] if end["port"] not in served)
        if one["kind"] == "HorizontalPodAutoscaler":
            target = spec["scaleTargetRef"]["name"]
            if target not in {workload["metadata"]["name"] for workload in workloads}:
                yield f"{name} scales {target}, which is not there"
        if one["kind"] == "Ingress":
            backends = [path["backend"]["service"] for rule in spec["rules"] for path in rule["http"]["paths"]]
            yield from (f"{name} leads to {backend['name']}, which is not there" for backend in backends if backend["name"] not in services)


def of_cores(workloads: list[Manifest]) -> Iterator[str]:
    """Edges are told every core, and a core that was replaced is found before the next one goes."""
    for core in (one for one in workloads if one["kind"] == "StatefulSet"):
        name, service, spec = core["metadata"]["name"], core["spec"]["serviceName"], core["spec"]
        hosts = {f"{name}-{number}.{service}" for number in range(spec["replicas"])}
        for edge in (one for one in workloads if one["kind"] == "Deployment"):
            told = {urlsplit(url).hostname for url in settings_of(edge)["ROOMCAST_CORE"].split(",")}
            if told != hosts:
                yield f"{edge['metadata']['name']} is told of {sorted(told)}, and there are {sorted(hosts)}"
        if spec.get("minReadySeconds", 0) < CORE_FOUND_SECONDS:
            yield f"{name} is replaced before edges have found the one before"


def settings_of(workload: Manifest) -> dict[str, str]:
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    return {one["name"]: one["value"] for one in container["env"]}


def ports(workload: Manifest) -> list[dict[str, Any]]:
    return [port for container in workload["spec"]["template"]["spec"]["containers"] for port in container["ports"]]


def of_pod(name: str, template: Manifest) -> Iterator[str]:
    """What every pod of ours must say."""
    spec, (container,) = template["spec"], template["spec"]["containers"]
    settings = {one["name"]: one["value"] for one in container["env"]}
    numbers = {port["containerPort"] for port in container["ports"]}
    names = {port["name"] for port in container["ports"]}
    listens = {int(value.rsplit(":", 1)[1]) for key, value in settings.items() if key.endswith("_LISTEN")}
    if listens != numbers:
        yield f"{name} listens on {listens} and opens {numbers}"
    drain = next(int(value) for key, value in settings.items() if key.endswith("DRAIN_SECONDS"))
    pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    if spec["terminationGracePeriodSeconds"] <= pause + drain + DRAIN_GRACE_SECONDS:
        yield f"{name} is killed before it has drained"
    for probe in ("readinessProbe", "livenessProbe", "startupProbe"):
        (way,) = [way for way in ("grpc", "httpGet", "tcpSocket") if way in container[probe]]
        port = container[probe][way]["port"]
        if port not in names | numbers:
            yield f"{name}: its {probe} looks at {port}, which it does not open"
    guarded = {**spec["securityContext"], **container["securityContext"]}
    wanted = {"runAsNonRoot": True, "readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    yield from (f"{name}: {key} is not {value}" for key, value in wanted.items() if guarded.get(key) != value)
    mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
    files = [value for value in settings.values() if value.startswith("/")]
    yield from (f"{name}: {file} is not mounted" for file in files if str(Path(file).parent) not in mounts)


def compose(path: Path, schema: Path) -> Iterator[str]:
    text = path.read_text()
    project = yaml.safe_load(text)
    validator = jsonschema.Draft7Validator(json.loads(schema.read_text()))
    for error in validator.iter_errors(project):
        yield f"{path}: {'.'.join(map(str, error.path))}: {error.message}"
    services = project["services"]
    made = set(re.findall(r"\bkeep (\S+)", (path.parent / "secrets.sh").read_text()))
    for name, secret in project["secrets"].items():
        if Path(secret["file"]).name not in made:
            yield f"{path}: nothing makes the secret {name}"
    for name, service in services.items():
        yield from (f"{path}: {name} waits for {other}, which is not there" for other in service.get("depends_on", {}) if other not in services)
        yield from (f"{path}: {name} has no secret {secret}" for secret in service.get("secrets", []) if secret not in project["secrets"])
        settings = service.get("environment", {})
        spelled = [key for key in settings if re.search(r"PASSWORD$|SECRET$|TOKEN$|_STORE$", key)]
        yield from (f"{path}: {name} has {key} in its environment" for key in spelled)
        drains = [int(value) for key, value in settings.items() if key.endswith("DRAIN_SECONDS")]
        grace = int(service.get("stop_grace_period", "0s").removesuffix("s"))
        yield from (f"{path}: {name} is killed before it has drained" for drain in drains if grace <= drain + DRAIN_GRACE_SECONDS)
        if "healthcheck" not in service and name != "proxy":
            yield f"{path}: {name} has no health check"
    scrapes = yaml.safe_load((path.parent / "prometheus/prometheus.yaml").read_text())["scrape_configs"]
    for target in (target for scrape in scrapes for group in scrape["static_configs"] for target in group["targets"]):
        host, _, port = target.partition(":")
        opened = services.get(host, {}).get("environment", {})
        if not any(key.endswith("_METRICS_LISTEN") and value.endswith(f":{port}") for key, value in opened.items()):
            yield f"{path}: nothing tells metrics at {target}"
    yield from (f"{path}: {one['file']} is not there" for one in project["configs"].values() if not (path.parent / one["file"]).exists())


def image(path: Path) -> Iterator[str]:
    """What can be seen of an image without building it."""
    root, lines = path.parent.parent, path.read_text().splitlines()
    wanted = re.search(r'^rust-version = "(\d+)\.(\d+)"', (root / "Cargo.toml").read_text(), re.M)
    found = re.search(r"^FROM rust:(\d+)\.(\d+)", path.read_text(), re.M)
    if not found or tuple(map(int, found.groups())) < tuple(map(int, wanted.groups())):
        yield f"{path}: its Rust is older than Cargo.toml's {wanted.group(0)}"
    for line in lines:
        if line.startswith("COPY ") and "--from=" not in line and line != "COPY . .":
            yield from (f"{path}: {source} is not there" for source in line.split()[1:-1] if not (root / source).exists())
    last = lines[max(number for number, line in enumerate(lines) if line.startswith("FROM ")) :]
    if not any(line == "USER 65532:65532" for line in last):
        yield f"{path}: it runs as root"
    if any(line.startswith("RUN ") for line in last):
        yield f"{path}: its last stage has no shell"


def main() -> None:
    deploy, schema = map(Path, sys.argv[1:])
    found = [*kubernetes(deploy / "kubernetes"), *compose(deploy / "compose.yaml", schema), *image(deploy / "Dockerfile")]
    print("\n".join(found) if found else f"nothing is wrong with {len(list(deploy.rglob('*.yaml')))} files")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
