import pytest

from deeprnn.page.environment import env_limit


def test_a_limit_is_read_from_the_environment(monkeypatch):
    assert env_limit("MAX_THINGS", 5) == 5
    monkeypatch.setenv("DEEPRNN_MAX_THINGS", "7")
    assert env_limit("MAX_THINGS", 5) == 7
    monkeypatch.setenv("DEEPRNN_MAX_THINGS", "-1")
    with pytest.raises(ValueError, match="DEEPRNN_MAX_THINGS must be a whole number of 1 or more, not '-1'"):
        env_limit("MAX_THINGS", 5)
