"""What `python app.py` offers beside the folder of checkpoints."""

from dataclasses import replace

import pytest

from deeprnn.commands import serve
from deeprnn.store.registry import Registry


@pytest.fixture
def registry(tmp_path, save_tiny, monkeypatch):
    """A registry of an empty folder, in a folder where a model was trained from a text, and another one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SPACE_ID", raising=False)
    save_tiny(tmp_path / "runs" / "my-book-gru")
    save_tiny(tmp_path / "runs" / "smoke")
    (tmp_path / "checkpoints").mkdir()
    return Registry(tmp_path / "checkpoints")


def test_a_local_server_offers_what_a_terminal_has_trained_from_a_text(registry):
    serve._arrivals(registry, "127.0.0.1").look()
    assert [one.info.name for one in registry.own(None)] == ["my-book-gru"]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5"])
def test_a_public_server_offers_only_what_is_put_into_its_checkpoints(host, registry, save_tiny):
    save_tiny(registry.directory / "put-there")
    serve._arrivals(registry, host).look()
    assert [one.info.name for one in registry.own(None)] == ["put-there"]


def test_a_visitors_own_text_is_never_taken_for_one_of_the_project(registry):
    info = registry.add(registry.directory.parent / "runs" / "my-book-gru", "x")
    own = replace(info.metrics.text, own=True)
    assert serve.text_of(replace(info, metrics=replace(info.metrics, texts=(own,)))) is None


def test_models_of_every_folder_that_is_served_are_there_and_come_meanwhile(save_tiny, tmp_path):
    save_tiny(tmp_path / "runs" / "first")
    save_tiny(tmp_path / "more" / "second")
    models = Registry(tmp_path / "runs", tmp_path / "more")
    assert list(models.infos) == ["first", "second"]
    save_tiny(tmp_path / "runs" / "third")
    save_tiny(tmp_path / "more" / "fourth")
    serve._arrivals(models, "0.0.0.0").look()
    assert {one.info.name for one in models.own(None)} == {"third", "fourth"}


def refused(*folders):
    """What `python app.py --checkpoints FOLDER ...` says instead of serving."""
    with pytest.raises(SystemExit) as refusal:
        serve.main(["--checkpoints", *map(str, folders)])
    return str(refusal.value)


def test_a_folder_that_cannot_be_read_is_an_error_with_its_remedy(registry, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.iterdir", refuse)
    assert f"{registry.directory} cannot be read (Permission denied): let this user read it" in refused(
        registry.directory
    )


def test_the_environment_names_folders_with_spaces_between_and_a_lone_quotation_mark_is_an_error(monkeypatch):
    monkeypatch.setenv("DEEPRNN_CHECKPOINTS", "runs 'my books' hf://user/repo")
    assert serve.named_places() == ["runs", "my books", "hf://user/repo"]
    monkeypatch.setenv("DEEPRNN_CHECKPOINTS", "Ann's")
    with pytest.raises(ValueError, match="DEEPRNN_CHECKPOINTS: No closing quotation; put a name that"):
        serve.named_places()


def test_folders_without_a_checkpoint_are_an_error_that_names_them(registry, tmp_path):
    empty, broken = registry.directory, tmp_path / "broken"
    (broken / "model").mkdir(parents=True)
    (broken / "model" / "config.json").write_text("{")
    assert f"no checkpoint to serve in {empty}: restore the shipped ones, or train one" in refused(empty)
    assert f"no checkpoint to serve in {broken}, {empty}: restore" in refused(broken, empty)


@pytest.mark.usefixtures("registry")
def test_a_folder_that_does_not_exist_is_an_error_that_names_it_whatever_the_others_hold(tmp_path):
    assert f"no directory {tmp_path / 'absent'}" in refused(tmp_path / "runs", tmp_path / "absent")


def test_a_folder_that_adds_nothing_to_the_others_is_no_error(registry, save_tiny, tmp_path):
    save_tiny(tmp_path / "same" / "smoke")
    broken = save_tiny(tmp_path / "broken" / "model")
    (broken / "config.json").write_text("{")
    folders = [registry.directory, tmp_path / "runs", tmp_path / "same", tmp_path / "broken"]
    served = Registry(*folders)
    serve._check_served(served)
    assert [info.path.parent for info in served.infos.values()] == [tmp_path / "runs"] * 2
    assert list(served.left_out) == ["smoke", "model"]


def test_who_names_a_checkpoint_itself_is_told_to_name_the_folder_that_holds_it(save_tiny, tmp_path):
    assert f"give the folder that holds it, {tmp_path}" in refused(save_tiny(tmp_path / "one"))


def test_who_names_one_beside_other_folders_is_told_in_the_log(save_tiny, tmp_path, caplog):
    save_tiny(tmp_path / "models" / "first")
    one = save_tiny(tmp_path / "one")
    serve._check_served(Registry(tmp_path / "models", one))
    assert caplog.messages == [f"left out: {one} is a checkpoint itself; give the folder that holds it, {tmp_path}."]


@pytest.mark.usefixtures("registry")
def test_the_environment_names_folders_as_the_option_does_and_the_option_comes_first(tmp_path, monkeypatch):
    monkeypatch.setenv("DEEPRNN_CHECKPOINTS", f"'{tmp_path / 'runs'}' '{tmp_path / 'of environment'}'")
    with pytest.raises(SystemExit) as refusal:
        serve.main([])
    assert f"no directory {tmp_path / 'of environment'}" in str(refusal.value)
    assert f"no directory {tmp_path / 'absent'}" in refused(tmp_path / "absent")
