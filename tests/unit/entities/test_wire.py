"""Entities to the wire and back, and snapshots of them."""

import json
import subprocess
import sys

import pytest
from pydantic import ValidationError

from gateline.entities import Route, Service, Snapshot
from gateline.entities.errors import CATALOGUE

FULL = {
    "name": "r",
    "protocols": ["tls"],
    "snis": ["a.test"],
    "sources": [{"ip": "10.0.0.1", "port": 80}],
    "service": {"id": "5f1d7fbc-0000-4000-8000-000000000001"},
    "tags": ["a", "b"],
}


def test_the_wire_form_is_plain_json_and_comes_back_the_same() -> None:
    for entity in (Route.parse(FULL), Route.parse({"headers": {"x": ["1", "2"]}}), Service.parse({"host": "h.test"})):
        wire = entity.to_wire()
        assert type(entity).from_wire(json.loads(json.dumps(wire))) == entity
        assert type(entity).from_wire(wire) == entity


def test_reading_the_wire_form_leaves_the_row_alone_and_takes_rows_of_older_writers() -> None:
    row = Route.parse(FULL).to_wire()
    before = json.dumps(row)
    Route.from_wire(row)
    assert json.dumps(row) == before
    del row["tags"], row["path_handling"]
    assert Route.from_wire(row).path_handling == "v0"


def test_an_entity_does_not_change() -> None:
    service = Service.parse({"host": "h.test"})
    with pytest.raises(ValidationError):
        service.host = "other.test"
    assert hash(service) == hash(Service.from_wire(service.to_wire()))


def test_a_snapshot_holds_entities_by_kind_and_does_not_change() -> None:
    service = Service.parse({"host": "h.test"})
    snapshot = Snapshot(services={service.id: service}, hash="0" * 32)
    assert snapshot.services[service.id] is service
    assert snapshot.of(Service) == {service.id: service}
    assert dict(snapshot.routes) == {}
    assert dict(snapshot.kind("unheard-of")) == {}
    with pytest.raises(AttributeError):
        snapshot.hash = "x"
    with pytest.raises(TypeError):
        snapshot.services["x"] = service  # type: ignore[index]
    assert snapshot == Snapshot(services={service.id: service}, routes={}, hash="1" * 32)
    assert snapshot != Snapshot()


def test_the_error_catalogue_has_kongs_codes() -> None:
    assert sorted(CATALOGUE) == list(range(1, 22))
    assert {code: kind.status for code, kind in CATALOGUE.items() if kind.status != 400} == {
        5: 409,
        6: 404,
        8: 500,
        12: 405,
    }


def test_entities_load_nothing_heavy() -> None:
    """Workers import them: no regex engine, no YAML, nothing else of gateline."""
    code = "import sys, gateline.entities; print(*sorted(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"re2", "yaml", "asyncio", "starlette", "cryptography"}.intersection(modules)
    ours = {name.split(".")[1] for name in modules if name.startswith("gateline.")}
    assert ours <= {"entities", "version"}
