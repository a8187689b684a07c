"""Downloads over real HTTP load with `deeprnn.load`."""

import hashlib
import io
import urllib.error
import urllib.request
import zipfile

import pytest

from deeprnn import load
from tests.conftest import SHIPPED


def get(url, file):
    with urllib.request.urlopen(url + "download/" + file, timeout=60) as answer:
        return answer.headers, answer.read()


def test_a_folder_unpacks_and_loads(url, tmp_path):
    headers, data = get(url, "note-rnn-2.zip")
    assert headers["content-disposition"] == 'attachment; filename="note-rnn-2.zip"'
    zipfile.ZipFile(io.BytesIO(data)).extractall(tmp_path)
    expected = load(SHIPPED / "note-rnn-2").generate("the time", max_chars=20)
    assert load(tmp_path / "note-rnn-2").generate("the time", max_chars=20) == expected


def test_weights_have_the_hash_that_the_page_shows(url, registry):
    _, data = get(url, "note-rnn-2.safetensors")
    assert hashlib.sha256(data).hexdigest() == registry.infos["note-rnn-2"].weights_sha256


def test_all_holds_every_checkpoint_whole(url, registry):
    _, data = get(url, "all.zip")
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
