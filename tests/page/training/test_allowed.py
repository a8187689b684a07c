"""Where visitors may train."""

import pytest

from deeprnn.page.training.allowed import MINUTES_AT_HOME, is_local, most_minutes


@pytest.fixture(autouse=True)
def _bare(monkeypatch):
    for name in ("SPACE_ID", "DEEPRNN_TRAIN_MINUTES", "DEEPRNN_TRUSTED_PROXIES", "GRADIO_ROOT_PATH"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "::1", "[::1]"])
def test_a_server_that_only_this_machine_reaches_trains(host, monkeypatch):
    assert most_minutes(host) == MINUTES_AT_HOME
    monkeypatch.setenv("DEEPRNN_TRAIN_MINUTES", "0")
    assert most_minutes(host) == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "[::]", "192.168.1.5", "example.org"])
def test_a_server_that_others_reach_trains_only_as_long_as_its_owner_says(host, monkeypatch):
    assert most_minutes(host) == 0
    monkeypatch.setenv("DEEPRNN_TRAIN_MINUTES", "3")
    assert most_minutes(host) == 3


def test_a_space_does_not_train_unless_its_owner_says_so(monkeypatch):
    monkeypatch.setenv("SPACE_ID", "user/space")
    assert most_minutes("127.0.0.1") == 0
    monkeypatch.setenv("DEEPRNN_TRAIN_MINUTES", "2")
    assert most_minutes("0.0.0.0") == 2


@pytest.mark.parametrize(("name", "value"), [("DEEPRNN_TRUSTED_PROXIES", "1"), ("GRADIO_ROOT_PATH", "/deeprnn")])
def test_a_server_behind_a_proxy_is_reached_by_others_whatever_address_it_is_bound_to(name, value, monkeypatch):
    assert is_local("127.0.0.1")
    monkeypatch.setenv(name, value)
    assert not is_local("127.0.0.1")
    assert most_minutes("127.0.0.1") == 0
    monkeypatch.setenv("DEEPRNN_TRAIN_MINUTES", "2")
    assert most_minutes("127.0.0.1") == 2


@pytest.mark.parametrize("value", ["-1", "two", "1.5"])
def test_minutes_that_are_no_number_are_refused_with_the_remedy(value, monkeypatch):
    monkeypatch.setenv("DEEPRNN_TRAIN_MINUTES", value)
    with pytest.raises(ValueError, match="correct or unset it"):
        most_minutes("127.0.0.1")
