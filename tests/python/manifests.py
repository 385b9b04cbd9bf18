"""Checks the files of deploy/ that no test can run: against the schemas of those who read them, and against each other.

    manifests.py DEPLOY COMPOSE_SCHEMA

Says what is wrong, a line each, and ends with 1; says how much it looked at if nothing is.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any, Iterator

import jsonschema
import kubernetes_validate
import yaml

KUBERNETES = "1.34"
# Sockets have it beyond the edge's drain window: edge/src/app.rs.
DRAIN_GRACE_SECONDS = 2
# What the operator's ServiceMonitor may say here; its schema comes with no package.
MONITOR_FIELDS = {"port", "interval", "path", "scheme", "tlsConfig"}

Manifest = dict[str, Any]


def kubernetes(folder: Path) -> Iterator[str]:
    manifests = [(path, one) for path in sorted(folder.rglob("*.yaml")) for one in yaml.safe_load_all(path.read_text())]
    for path, manifest in manifests:
        kind = manifest["kind"]
        if kind == "Kustomization":
            yield from (f"{path}: {name} is not there" for name in manifest["resources"] if not (path.parent / name).exists())
        elif kind == "ServiceMonitor":
            yield from (f"{path}: endpoints have no {field}" for one in manifest["spec"]["endpoints"] for field in set(one) - MONITOR_FIELDS)
        else:
            try:
                kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
            except kubernetes_validate.ValidationError as error:
                yield f"{path}: {kind} {manifest['metadata']['name']}: {'.'.join(map(str, error.path))}: {error.message}"
    everything = [manifest for _, manifest in manifests if manifest["kind"] != "Kustomization"]
    yield from together(everything)


def together(manifests: list[Manifest]) -> Iterator[str]:
    """What the manifests say of each other."""
    workloads = [one for one in manifests if one["kind"] in ("Deployment", "StatefulSet")]
    services = {one["metadata"]["name"]: one for one in manifests if one["kind"] == "Service"}
    for workload in workloads:
        yield from of_pod(workload["metadata"]["name"], workload["spec"]["template"])
        if workload["spec"]["selector"]["matchLabels"] != workload["spec"]["template"]["metadata"]["labels"]:
            yield f"{workload['metadata']['name']} does not select its own pods"
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
    if str(Path(settings["ROOMCAST_CONFIG"]).parent) not in mounts:
        yield f"{name}: {settings['ROOMCAST_CONFIG']} is not mounted"


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
