"""Push and pull over real HTTP: `huggingface_hub` in a process of its own against a small Hub on loopback."""

import hashlib
import json
import os
import subprocess
import sys

import pytest

from deeprnn.store import checkpoint, registry
from tests.conftest import ROOT, WAIT
from tests.hub_server import HubServer

# HF_ENDPOINT and its kin are read when huggingface_hub is imported: hence other processes, which answer line by line.
CLIENT = """
import json, os, sys
from pathlib import Path
import deeprnn
from deeprnn.store import hub

def answer(task, arguments):
    if task == "push":
        return hub.push(Path(arguments.pop("directory")), **arguments)
    if task == "served":
        from deeprnn.commands.serve import folder_of
        return sorted(info.name for info in deeprnn.list_checkpoints(folder_of(arguments["place"])))
    return deeprnn.load(arguments.pop("path"), **arguments).generate("abc", max_chars=40, seed=1)

for line in sys.stdin:
    try:
        reply = {"value": answer(*json.loads(line))}
    except Exception as error:
        reply = {"error": type(error).__name__, "message": str(error)}
    print(json.dumps(reply), flush=True)
os._exit(0)  # taking torch down in order costs seconds
"""


class Client:
    """A Python process that has imported deeprnn with an environment of its own."""

    def __init__(self, **environment):
        clean = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
        quiet = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", CLIENT],
            cwd=ROOT,
            env=clean | quiet | {"NO_PROXY": "127.0.0.1,localhost"} | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.communicate(timeout=WAIT)  # closes its input, upon which it ends

    def _ask(self, task, arguments):
        self._process.stdin.write(json.dumps([task, arguments]) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def load(self, path, **arguments):
        """The text that the loaded model generates."""
        return self._ask("load", {"path": str(path)} | arguments)["value"]

    def load_error(self, path, **arguments):
        """The message of the ValueError that loading raises."""
        return self._refused("load", {"path": str(path)} | arguments)

    def push_error(self, directory, repo_id):
        """The message of the ValueError that pushing raises."""
        return self._refused("push", {"directory": str(directory), "repo_id": repo_id})

    def _refused(self, task, arguments):
        reply = self._ask(task, arguments)
        assert reply.get("error") == "ValueError", reply
        return reply["message"]

    def served(self, place):
        """The names of the checkpoints that the page would serve from a place."""
        return self._ask("served", {"place": place})["value"]

    def push(self, directory, repo_id, **arguments):
        """The commit's address."""
        return self._ask("push", {"directory": str(directory), "repo_id": repo_id} | arguments)["value"]


@pytest.fixture(scope="module")
def hub():
    with HubServer() as server:
        yield server


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("hf-home")


@pytest.fixture(scope="module")
def clients(hub, home):
    """One client with a network and one told that there is none; they share a cache."""
    environment = {"HF_ENDPOINT": hub.address, "HF_HOME": str(home), "HF_TOKEN": "hf_loopback"}
    with Client(**environment) as online, Client(**environment, HF_HUB_OFFLINE="1") as offline:
        yield online, offline


@pytest.fixture
def client(clients):
    return clients[0]


@pytest.fixture
def offline_client(clients):
    return clients[1]


@pytest.fixture
def folder(tmp_path, save_tiny):
    """A folder of two checkpoints that generate different texts."""
    save_tiny(tmp_path / "set" / "tiny")
    save_tiny(tmp_path / "set" / "other", cell="lstm")
    return tmp_path / "set"


def generated(directory):
    return checkpoint.load(directory).generate("abc", max_chars=40, seed=1)


@pytest.mark.process
def test_a_checkpoint_from_the_hub_generates_the_text_of_the_local_one(hub, client, folder):
    hub.commit("user/same", folder)
    assert client.load("user/same", name="tiny") == generated(folder / "tiny")
    assert client.load("user/same", name="other") == generated(folder / "other") != generated(folder / "tiny")


@pytest.mark.process
def test_only_the_files_of_the_asked_folder_are_fetched(hub, client, folder):
    hub.commit("user/partial", folder)
    before = len(hub.requests)
    client.load("user/partial", name="tiny")
    resolved = {request for request in hub.requests[before:] if "/resolve/" in request}
    assert {path.split("/", 5)[5] for path in resolved} == {
        f"tiny/{file}" for file in ("model.safetensors", "config.json", "metrics.json", "README.md")
    }


@pytest.mark.process
def test_a_second_load_fetches_no_file_again(hub, client, folder):
    hub.commit("user/twice", folder)
    first = client.load("user/twice", name="tiny")
    before = len(hub.requests)
    assert client.load("user/twice", name="tiny") == first
    assert not [request for request in hub.requests[before:] if "resolve" in request or "large-files" in request]


@pytest.mark.process
def test_what_was_loaded_once_loads_from_the_cache_while_the_hub_is_down(hub, client, folder):
    hub.commit("user/down", folder)
    first = client.load("user/down", name="tiny")
    hub.stop()
    try:
        assert client.load("user/down", name="tiny") == first
        message = client.load_error("user/down", name="other")
    finally:
        hub.start()
    assert "user/down" in message
    assert "with a network" in message
    assert client.load("user/down", name="other") == generated(folder / "other")


@pytest.mark.process
def test_an_offline_process_loads_from_the_cache_without_a_request(hub, client, offline_client, folder):
    hub.commit("user/offline", folder)
    first = client.load("user/offline", name="tiny")
    before = len(hub.requests)
    assert offline_client.load("user/offline", name="tiny") == first
    assert "not in the cache" in offline_client.load_error("user/offline", name="other")
    assert "user/uncached" in offline_client.load_error("user/uncached", name="tiny")
    assert len(hub.requests) == before


@pytest.mark.process
def test_nothing_is_pushed_without_a_network_and_a_sentence_says_so(offline_client, folder):
    assert "cannot push to 'user/offline'" in offline_client.push_error(folder, "user/offline")


def test_a_revision_is_honoured(hub, client, tmp_path, save_tiny):
    save_tiny(tmp_path / "old" / "tiny")
    save_tiny(tmp_path / "new" / "tiny", cell="rnn")
    old, new = generated(tmp_path / "old" / "tiny"), generated(tmp_path / "new" / "tiny")
    assert old != new
    first = hub.commit("user/revised", tmp_path / "old")
    second = hub.commit("user/revised", tmp_path / "new")
    assert client.load("user/revised", name="tiny") == new
    assert client.load("user/revised", name="tiny", revision=first) == old
    assert client.load("user/revised", name="tiny", revision=second) == new
    assert client.load("user/revised", name="tiny", revision="main") == new


@pytest.mark.process
def test_a_new_commit_is_seen_by_the_next_load(hub, client, tmp_path, save_tiny):
    save_tiny(tmp_path / "old" / "tiny")
    save_tiny(tmp_path / "new" / "tiny", cell="rnn")
    hub.commit("user/moving", tmp_path / "old")
    assert client.load("user/moving", name="tiny") == generated(tmp_path / "old" / "tiny")
    hub.commit("user/moving", tmp_path / "new")
    assert client.load("user/moving", name="tiny") == generated(tmp_path / "new" / "tiny")


@pytest.mark.process
def test_an_unknown_repository_revision_or_name_is_refused_by_its_name(hub, client, folder):
    hub.commit("user/known", folder)
    assert "user/unknown" in client.load_error("user/unknown", name="tiny")
    message = client.load_error("user/known", name="tiny", revision="nowhere")
    assert "user/known" in message
    assert "nowhere" in message
    message = client.load_error("user/known", name="absent")
    assert "user/known" in message
    assert "'absent'" in message


@pytest.mark.process
def test_a_malformed_repository_id_is_refused_by_its_name(client):
    assert "a/b/c" in client.load_error("a/b/c", name="tiny")


@pytest.mark.process
def test_a_name_that_leads_out_of_its_folder_reaches_no_network(hub, client):
    before = len(hub.requests)
    for name in ("../tiny", "", ".", "..", "/tmp", "tiny/"):
        assert "folder name" in client.load_error("user/known", name=name)
    assert len(hub.requests) == before


@pytest.mark.process
def test_an_altered_weight_file_on_the_hub_is_refused_by_its_hash(hub, client, folder):
    weights = folder / "tiny" / checkpoint.WEIGHTS
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    hub.commit("user/altered", folder)
    message = client.load_error("user/altered", name="tiny")
    assert checkpoint.WEIGHTS in message
    assert hashlib.sha256(data).hexdigest() in message
    assert client.load("user/altered", name="other") == generated(folder / "other")


@pytest.mark.process
def test_a_hub_that_hangs_up_without_an_answer_is_a_value_error(hub, client):
    hub.dropping = True
    try:
        message = client.load_error("user/hung-up", name="tiny")
    finally:
        hub.dropping = False
    assert "user/hung-up" in message


@pytest.fixture
def cut(hub):
    """Makes the Hub hang up in the middle of the files at some paths, until the test ends."""
    before = hub.cut
    yield lambda where: setattr(hub, "cut", where)
    hub.cut = before


@pytest.mark.process
@pytest.mark.parametrize("which", ["large-files", "config.json"])
def test_a_download_that_is_cut_in_the_middle_is_told_with_the_remedy_and_the_next_try_works(
    which, hub, home, cut, client, offline_client, folder
):
    repository = f"user/cut-{which[:5]}"
    hub.commit(repository, folder)
    cut(lambda path: which in path)
    message = client.load_error(repository, name="tiny")
    assert message.startswith(f"the connection to the Hub broke while {repository} was loaded (")
    assert message.endswith("): try again.")
    offline_client.load_error(repository, name="tiny")  # nothing half loaded is taken for whole
    cut(lambda _: False)
    assert client.load(repository, name="tiny") == generated(folder / "tiny")
    assert not list(home.rglob("*.incomplete"))


@pytest.mark.process
def test_a_download_that_is_cut_once_goes_on_by_itself(hub, cut, client, folder):
    hub.commit("user/cut-once", folder)
    seen = set()
    cut(lambda path: path not in seen and not seen.add(path))
    assert client.load("user/cut-once", name="tiny") == generated(folder / "tiny")
    assert len(seen) == 4


@pytest.mark.process
def test_a_pushed_folder_loads_from_the_hub(hub, client, folder):
    address = client.push(folder, "user/pushed")
    (sha,) = [sha for branch, sha in hub.repositories["user/pushed"].branches.items() if branch == "main"]
    assert address == f"{hub.address}/user/pushed/commit/{sha}"
    for name in ("tiny", "other"):
        assert client.load("user/pushed", name=name) == generated(folder / name)


@pytest.mark.process
def test_a_push_leaves_out_what_is_hidden(hub, client, folder, save_tiny):
    save_tiny(folder / ".tiny.saving-1")
    (folder / "tiny" / ".notes").write_text("mine")
    client.push(folder, "user/hidden")
    (files,) = [files for files in hub.repositories["user/hidden"].commits.values() if files]
    assert {path.split("/")[0] for path in files} == {"tiny", "other", "README.md"}
    assert len(files) == 9  # with the repository's card


@pytest.mark.process
def test_a_second_push_adds_to_the_first(client, folder, tmp_path, save_tiny):
    client.push(folder, "user/grown")
    save_tiny(tmp_path / "more" / "third", cell="rnn")
    client.push(tmp_path / "more", "user/grown")
    assert client.load("user/grown", name="third") == generated(tmp_path / "more" / "third")
    assert client.load("user/grown", name="tiny") == generated(folder / "tiny")


def test_a_local_folder_of_the_repositorys_name_is_preferred(tmp_path, save_tiny, monkeypatch):
    save_tiny(tmp_path / "user" / "repo" / "tiny")
    monkeypatch.chdir(tmp_path)
    assert registry.load("user/repo", name="tiny").name == "tiny"


@pytest.mark.process
def test_a_push_takes_a_checkpoints_own_files_and_is_private_unless_asked(hub, client, folder):
    (folder / "book.txt").write_text("mine")
    (folder / "tiny" / "notes.txt").write_text("mine")
    (folder / "texts").mkdir()
    (folder / "texts" / "book.txt").write_text("mine")
    client.push(folder, "user/own-files")
    (files,) = [files for files in hub.repositories["user/own-files"].commits.values() if files]
    assert len(files) == 9  # with the repository's card
    assert not [path for path in files if path.endswith(".txt")]


@pytest.mark.process
def test_the_one_checkpoint_at_the_root_of_a_repository_loads_without_a_name(hub, client, offline_client, folder):
    first = hub.commit("user/root", folder / "tiny")
    hub.commit("user/root", folder / "other")
    assert client.load("user/root") == generated(folder / "other")
    assert client.load("user/root", revision=first) == generated(folder / "tiny")
    assert offline_client.load("user/root") == generated(folder / "other")


@pytest.mark.process
def test_a_repository_of_several_checkpoints_lists_them(hub, client, offline_client, folder):
    hub.commit("user/several", folder)
    message = client.load_error("user/several")
    assert "give name=, one of: other, tiny." in message
    assert "user/nowhere" in client.load_error("user/nowhere")
    assert "with a network" in offline_client.load_error("user/several")


@pytest.mark.process
def test_the_page_serves_all_checkpoints_of_a_repository_at_the_revision_that_is_named(hub, client, folder, save_tiny):
    first = hub.commit("user/served", folder)
    save_tiny(folder / "third", cell="rnn")
    hub.commit("user/served", folder)
    assert client.served("hf://user/served") == ["other", "third", "tiny"]
    assert client.served(f"hf://user/served@{first}") == ["other", "tiny"]
    assert client.served(f"{folder}") == ["other", "third", "tiny"]


@pytest.mark.process
def test_a_push_without_a_token_is_refused_with_the_remedy_and_makes_nothing(hub, folder, tmp_path):
    with Client(HF_ENDPOINT=hub.address, HF_HOME=str(tmp_path / "empty")) as nobody:
        reply = nobody._ask("push", {"directory": str(folder), "repo_id": "user/refused"})
    assert reply["error"] == "ValueError", reply
    assert "hf auth login" in reply["message"]
    assert "user/refused" not in hub.repositories


@pytest.mark.process
def test_each_push_is_one_commit_with_a_card_of_all_that_is_there_unless_somebody_wrote_one(
    hub, client, folder, tmp_path, save_tiny
):
    client.push(folder, "user/card")
    save_tiny(tmp_path / "more" / "third", cell="rnn")
    client.push(tmp_path / "more", "user/card")
    repository = hub.repositories["user/card"]
    assert len(repository.commits) == 3  # the first is empty, as a new repository is
    files = repository.commits[repository.branches["main"]]
    rows = [line for line in files["README.md"].decode().splitlines() if line.startswith("| [")]
    assert [row.split("]")[0] for row in rows] == ["| [other", "| [third", "| [tiny"]
    repository.commit(files | {"README.md": b"---\nlibrary_name: deeprnn\n---\nmine"})
    client.push(folder, "user/card")
    assert repository.commits[repository.branches["main"]]["README.md"].endswith(b"mine")
