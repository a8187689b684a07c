"""Downloads over real HTTP load with `deeprnn.load`."""

import gc
import hashlib
import io
import os
import shutil
import urllib.error
import urllib.request
import zipfile
from urllib.parse import quote, unquote

import pytest

from deeprnn import load
from deeprnn.page import links
from deeprnn.page.server import downloads
from deeprnn.store.registry import Registry
from tests.conftest import SHIPPED, WAIT

# What gradio warns of and leaves unclosed in a process that it does not own.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


def get(url, file):
    with urllib.request.urlopen(url + "download/" + file, timeout=WAIT) as answer:
        return answer.headers, answer.read()


def test_a_folder_unpacks_and_loads(url, tmp_path):
    headers, data = get(url, "note-rnn-2.zip")
    assert headers["content-disposition"] == "attachment; filename*=utf-8''note-rnn-2.zip"
    zipfile.ZipFile(io.BytesIO(data)).extractall(tmp_path)
    expected = load(SHIPPED / "note-rnn-2").generate("the time", max_chars=20)
    assert load(tmp_path / "note-rnn-2").generate("the time", max_chars=20) == expected


def test_weights_have_the_hash_that_the_page_shows(url, registry):
    _, data = get(url, "note-rnn-2.safetensors")
    assert hashlib.sha256(data).hexdigest() == registry.infos["note-rnn-2"].weights_sha256


def test_all_holds_every_checkpoint_whole(url, registry):
    _, data = get(url, "all")
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    files = set(archive.namelist())
    assert {f"{name}/model.safetensors" for name in registry.infos} <= files
    assert {f"{name}/config.json" for name in registry.infos} <= files


@pytest.mark.parametrize("file", ["nobody.zip", "../app.py", "..%2f..%2fapp.py", "note-rnn-2", ".zip", "", "all.exe"])
def test_nothing_else_is_served(url, file):
    with pytest.raises(urllib.error.HTTPError) as refused:
        get(url, file)
    refused.value.close()
    assert refused.value.code == 404


NAMES = ["红楼梦", 'a, b & "c"', "50% #1?", "one two", "a+b", "a%2Cb", "café", "all"]


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    """A page over checkpoints with names that mean something to addresses and headers, served over HTTP."""
    from deeprnn.page.app import launch

    folder = tmp_path_factory.mktemp("named")
    for name in NAMES:
        shutil.copytree(SHIPPED / "note-rnn-2", folder / name)
    os.utime(folder / NAMES[0] / "README.md", (0, 0))  # a zip file knows no 1970
    (folder / NAMES[0] / "book.txt").write_text("mine")
    registry = Registry(folder)
    app, url, _ = launch(registry, prevent_thread_lock=True, server_name="127.0.0.1", quiet=True)
    yield registry, url
    app.get_blocks().close()
    del app
    gc.collect()  # here, where its warnings are ignored


@pytest.mark.parametrize("name", NAMES)
def test_a_checkpoint_of_any_name_is_downloaded_under_its_name(named, name):
    _, url = named
    for kind in ("zip", "safetensors"):
        headers, data = get(url, quote(f"{name}.{kind}", safe=""))
        disposition = headers["content-disposition"]
        said = unquote(disposition.partition("''")[2]) or disposition.partition('"')[2].rstrip('"')
        assert said == f"{name}.{kind}"
        assert data
    names = zipfile.ZipFile(io.BytesIO(get(url, quote(f"{name}.zip", safe=""))[1])).namelist()
    assert set(names) == {
        f"{name}/{file}" for file in ("README.md", "config.json", "metrics.json", "model.safetensors")
    }


def test_all_of_them_are_in_one_archive(named):
    archive = zipfile.ZipFile(io.BytesIO(get(named[1], "all")[1]))
    assert archive.testzip() is None
    assert {name.split("/")[0] for name in archive.namelist()} == set(NAMES)


def test_an_address_lists_models_of_any_name(named):
    registry, _ = named
    listed = ",".join(name.replace("%", "%25").replace(",", "%2C") for name in NAMES[:6])
    assert links.parse(registry, {"models": listed}, "").models == tuple(NAMES[:6])
    assert links.parse(registry, {"models": "one two,红楼梦"}, "").models == ("one two", "红楼梦")


def test_a_file_that_is_gone_costs_only_itself(tmp_path):
    shutil.copytree(SHIPPED / "note-rnn-2", tmp_path / "one")
    pieces = downloads.zipped([tmp_path / "one"])
    data = next(pieces)
    (tmp_path / "one" / "metrics.json").unlink()
    archive = zipfile.ZipFile(io.BytesIO(data + b"".join(pieces)))
    assert archive.namelist() == ["one/README.md", "one/config.json", "one/model.safetensors"]


@pytest.mark.parametrize("file", ["README.md", "model.safetensors"])
def test_a_file_that_is_a_link_out_of_the_folder_is_given_to_nobody(tmp_path, file):
    (tmp_path / "secret").write_text("key")
    shutil.copytree(SHIPPED / "note-rnn-2", tmp_path / "set" / "one")
    linked = tmp_path / "set" / "one" / file
    linked.unlink()
    linked.symlink_to(tmp_path / "secret")
    assert file.encode() not in b"".join(downloads.zipped([linked.parent]))
    assert downloads.answer(Registry(tmp_path / "set"), f"one.{file.rpartition('.')[2]}").status_code == 404


def test_the_hubs_cache_of_links_is_served(tmp_path):
    snapshot = tmp_path / "models--user--repo" / "snapshots" / "abc" / "one"
    shutil.copytree(SHIPPED / "note-rnn-2", snapshot)
    blobs = tmp_path / "models--user--repo" / "blobs"
    blobs.mkdir()
    for path in list(snapshot.iterdir()):
        path.rename(blobs / path.name)
        path.symlink_to(blobs / path.name)
    assert downloads.answer(Registry(snapshot.parent), "one.safetensors").status_code == 200
    assert b"model.safetensors" in b"".join(downloads.zipped([snapshot]))
