"""`/healthz` says whether models can write."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from deeprnn import __version__
from deeprnn.page.server.health import Health
from deeprnn.store.registry import Registry
from tests.conftest import SHIPPED, WAIT


@pytest.fixture(scope="module")
def registry():
    return Registry(SHIPPED)


def asked(registry, path="/healthz", *, ending=False):
    app = Starlette(middleware=[Middleware(Health, registry=registry, ending=lambda: ending)])
    return TestClient(app).get(path)


def test_a_server_whose_models_can_write_is_ready(url):
    answer = httpx.get(f"{url}healthz", timeout=WAIT)
    assert answer.status_code == 200
    assert answer.json()["status"] == "ready"
    assert answer.headers["cache-control"] == "no-store"


def test_while_the_loops_are_compiled_it_is_not_ready_and_says_when_to_ask_again(registry):
    registry.ready.clear()
    try:
        answer = asked(registry)
    finally:
        registry.ready.set()
    assert (answer.status_code, answer.json()["status"]) == (503, "preparing")
    assert int(answer.headers["retry-after"]) > 0


def test_a_server_that_shuts_down_is_not_ready(registry):
    answer = asked(registry, ending=True)
    assert (answer.status_code, answer.json()["status"]) == (503, "ending")


def test_it_says_the_version_and_how_many_models_there_are(registry):
    assert asked(registry).json() == {"status": "ready", "version": __version__, "models": len(registry.infos)}


def test_other_addresses_are_passed_on(registry):
    assert asked(registry, "/healthz2").status_code == 404
