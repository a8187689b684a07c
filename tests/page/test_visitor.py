"""Who a visitor is, by a cookie that nobody can forge into anything else."""

import pytest
from starlette.requests import HTTPConnection

from deeprnn.page.visitor import COOKIE, Visits, visitor_of
from tests.conftest import run

ID = "0123456789abcdef" * 2


def scope(cookie, kind="http"):
    return {"type": kind, "headers": [(b"cookie", cookie.encode())]}


def test_a_visitor_is_known_by_the_id_in_the_cookie():
    assert visitor_of(HTTPConnection(scope(f"a=b; {COOKIE}={ID}; c=d"))) == ID
    assert visitor_of(HTTPConnection({"type": "http", "headers": []})) is None


@pytest.mark.parametrize("value", ["", ID[:-1], ID + "0", ID.upper(), "../" * 11, "g" * 32])
def test_any_other_value_is_nobody(value):
    assert visitor_of(HTTPConnection(scope(f"{COOKIE}={value}"))) is None


def test_each_request_of_a_visitor_counts_as_being_there():
    seen, passed = [], []

    async def app(*asked):
        passed.append(asked)

    visits = Visits(app, seen.append)
    for cookie in (f"{COOKIE}={ID}", "other=1", f"{COOKIE}=x"):
        run(visits(scope(cookie), None, None))
    run(visits({"type": "lifespan"}, None, None))
    assert seen == [ID]
    assert len(passed) == 4
