"""Models that come while the server runs: a visitor's own ones, which nobody else sees, in every view."""

import io
import json
import shutil
import zipfile

import gradio as gr
import pytest
from starlette.responses import PlainTextResponse

import deeprnn
from deeprnn.experiments.own import Options
from deeprnn.measure.lines import LineIndex
from deeprnn.measure.novelty import TextPart
from deeprnn.page import links, service
from deeprnn.page.compare import beside, cards, export
from deeprnn.page.inside import view as inside
from deeprnn.page.own import Own, named_of
from deeprnn.page.score.rows import parts
from deeprnn.page.server import downloads
from deeprnn.page.service import RequestError
from deeprnn.page.shared import picker
from deeprnn.page.shared.components import carried
from deeprnn.page.shared.widgets import facts, own_titles, title_of, titles
from deeprnn.page.training.answers import Answers
from deeprnn.page.training.jobs import Trainings
from deeprnn.page.training.keeping import keep
from deeprnn.page.training.record import ENDED
from deeprnn.store.arrivals import Arrivals
from deeprnn.store.registry import Registry, is_private, private_name
from deeprnn.text.poem_form import BREAK
from tests.conftest import SHIPPED, run, wait_until
from tests.page.conftest import spoken

pytestmark = pytest.mark.process
TEXT = "".join(f"{n} green bottles hanging on the wall, and if {n - 1} should fall.\n" for n in range(60, 10, -1))
SHORT = Options(cell="gru", layers=1, hidden=8, epochs=2)
OTHER = Options(cell="gru", layers=1, hidden=16, epochs=2)
LONG = Options(cell="gru", layers=1, hidden=8, epochs=1_000)
GONE = "mine-" + "0" * 16


@pytest.fixture(scope="module")
def models():
    return Registry(SHIPPED)


@pytest.fixture(scope="module")
def trainings(models, tmp_path_factory):
    """Trainings of two visitors that have ended: Ann's two of one text, Bob's one."""
    trainings = Trainings(60, registry=models, place=tmp_path_factory.mktemp("trainings"))
    trainings.submit("ann", TEXT, "My  bottles, 瓶子", SHORT)
    trainings.submit("ann", TEXT, "My  bottles, 瓶子", OTHER)
    trainings.submit("bob", TEXT, "secret", SHORT)
    wait_until(lambda: all(one.state in ENDED for who in ("ann", "bob") for one, _ in trainings.of(who)))
    yield trainings
    trainings.close()


def of(trainings, visitor):
    return [one.name for one, _ in trainings.of(visitor)]


def test_only_its_visitor_is_told_of_an_own_model(models, trainings):
    ann, bob = of(trainings, "ann"), of(trainings, "bob")
    assert all(map(is_private, [*ann, *bob]))
    assert [one.info.name for one in models.own("ann")] == ann[::-1]
    assert [one.info.name for one in models.own("bob")] == bob
    assert models.own(None) == models.own("eve") == []
    listed = [model["name"] for model in service.list_models(models)]
    assert listed == list(models.infos)
    everywhere = json.dumps([listed, titles(models, "en"), picker.choices(models, "en")])
    with pytest.raises(RequestError) as unknown:
        service.next_char(models, prompt="a", models=["nobody"])
    assert not any(name in everywhere + str(unknown.value) for name in (*ann, *bob))
    assert "secret" not in json.dumps(own_titles(models, "ann", "en"))


def test_another_visitors_model_that_is_listed_stays_so_when_the_list_is_asked_for_again(models, trainings):
    (sent,) = of(trainings, "bob")

    async def built():  # gradio asks for the running loop, and would leave one of its own open
        with gr.Blocks() as page:
            return Own(models, page, lambda: None)

    board = run(built())
    named = named_of({"models": [[sent, {}], ["nobody"], [7], [], "a"]})
    listed = [name for name, *_ in board.value("ann", named)["models"]]
    assert listed == [*of(trainings, "ann")[::-1], sent]
    for nonsense in (None, "a", {"a": 1}, [["a"]] * 1_001):
        assert named_of({"models": nonsense}) == named_of(nonsense) == []


def test_titles_say_what_the_visitor_calls_the_text_and_tell_models_apart(models, trainings):
    first, second = of(trainings, "ann")
    assert title_of(models, first, "en") == "GRU × 1 · My bottles, 瓶子 · 8 units"
    assert title_of(models, second, "zh").startswith("1 层 GRU · My bottles, 瓶子 · 宽度 16")
    assert title_of(models, of(trainings, "bob")[0], "en") == "GRU × 1 · secret"
    again = models.info(first).path
    try:
        models.add(again, GONE, visitor="ann", called="My bottles, 瓶子")
        assert title_of(models, first, "en") == "GRU × 1 · My bottles, 瓶子 · 1"
        assert title_of(models, GONE, "en") == "GRU × 1 · My bottles, 瓶子 · 3"
    finally:
        models.remove(GONE)


def test_a_title_that_a_public_model_has_too_says_that_it_is_an_own_one(models):
    public = titles(models, "en")["note-lstm-2"]
    models.add(SHIPPED / "note-lstm-2", GONE, visitor="eve")
    shown = title_of(models, GONE, "en")
    models.remove(GONE)
    assert shown == f"{public} (own)"


def test_the_model_of_a_text_without_a_name_is_called_by_what_it_was(models, trainings):
    models.add(models.info(of(trainings, "ann")[0]).path, GONE, visitor="eve", called="")
    shown = [title_of(models, GONE, lang) for lang in ("en", "zh")]
    models.remove(GONE)
    assert shown == ["GRU × 1 · pasted text", "1 层 GRU · 粘贴的文本"]


def test_an_own_text_is_called_by_its_visitors_name_beside_its_n_gram_and_where_it_is_copied(models, trainings):
    (name,) = of(trainings, "bob")
    rows = spoken(next(parts(models, TEXT[:300], [name])), "en")["cards"]
    assert next(row["title"] for row in rows if row["kind"] == "ngram").startswith("6-gram of secret,")
    copied = cards._analysed(models, cards.Card(model=name, prompt="6", text=TEXT[:80]), None, "en")
    assert "secret," in copied["rote"]


def test_a_kept_model_is_never_named_as_one_that_is_served_from_another_folder(models, trainings, tmp_path):
    (name,) = of(trainings, "bob")
    source = models.info(name).path
    here, there = tmp_path / "checkpoints", tmp_path / "runs"
    here.mkdir()
    shutil.copytree(source, there / source.name)
    served = Registry(here, there)
    served.add(source, name, visitor="bob", called="secret")
    assert keep(served, name, local=True) == f"{source.name}-2"


def test_whoever_knows_the_name_can_use_an_own_model_everywhere(models, trainings):
    (name,) = of(trainings, "bob")
    (answer,) = service.generate(models, prompt="10", models=[name], max_chars=20, temperature=0.8)
    assert answer["model"] == name
    assert service.score(models, text=TEXT[:300], models=[name])[0]["model"] == name
    assert service.next_char(models, prompt="10", models=[name])[0]["candidates"]
    assert links.parse(models, {"models": f"{name},note-lstm-2"}, "en").models == (name, "note-lstm-2")
    drawn = spoken(cards.draw(models, cards.recorded(models, [name, "note-lstm-2"])), "en")
    assert drawn["cards"][0]["title"] == "GRU × 1 · secret"
    assert name not in drawn["cards"][0]["meta"]
    assert " · secret, " in drawn["cards"][0]["meta"]
    board = cards.Board.read(models, drawn)
    for kind in ("json", "csv", "md"):
        assert "GRU × 1" in export.export(models, board, kind)[1] or kind == "json"
    assert export.reopen(models, export.export(models, board, "json")[1]).names == [name, "note-lstm-2"]
    rows = list(parts(models, TEXT[:300], [name, "note-lstm-2"]))
    assert [row["kind"] for row in rows[0]["cards"]][:4] == ["model", "model", "ngram", "uniform"]
    assert spoken(inside.pictures(models, [name], TEXT[:60]), "en")["models"][0]["title"] == "GRU × 1 · secret"
    assert spoken(beside.next_chars(models, {"context": "10", "models": [name]}), "en")["rows"][0]["title"]
    json.loads(carried(drawn))


def test_what_an_own_model_copies_is_found_by_the_fingerprint_beside_it(models, trainings):
    found = service.analyse(models, of(trainings, "bob")[0], "6", TEXT[:80])
    assert found["longest_run"] >= 60
    assert models.ngram(of(trainings, "bob")[0]).order == 6


def test_a_download_has_the_readable_name_of_the_run_and_loads(models, trainings, tmp_path):
    (name,) = of(trainings, "bob")
    sent = downloads.answer(models, f"{name}.zip")
    readable = models.info(name).path.name
    assert readable.startswith("my-book-gru-layers1-")
    assert f"{readable}.zip" in sent.headers["content-disposition"]
    zipfile.ZipFile(io.BytesIO(b"".join(downloads.zipped([models.info(name).path])))).extractall(tmp_path)
    assert deeprnn.load(tmp_path / readable).generate("10", max_chars=4)
    assert readable in downloads.answer(models, f"{name}.safetensors").headers["content-disposition"]
    assert readable in facts(models, models.info(name), "en")


def kept_of(models, name, folder):
    """Whether a registry holds a model's weights, its fingerprint, its n-gram, its index of lines."""
    ngrams, lines = {path.parent for path, _ in models._ngrams}, {path.parent for path in models._lines}
    return [name in models._loaded, name in models._fingerprints, folder in ngrams, folder in lines]


def test_one_that_is_removed_is_gone_everywhere_in_words_and_nothing_of_it_is_kept(models, trainings, tmp_path):
    first, second = (models.info(name) for name in of(trainings, "ann"))
    key = trainings.submit("cat", TEXT, "My bottles", LONG)  # it does not end; Cat has copies of Ann's models
    name, poem, folder = private_name(key), f"床前明月光，疑是地上霜{BREAK}", tmp_path / "copy"
    shutil.copytree(first.path, folder)
    LineIndex.build(TextPart.from_record(first.metrics.text), poem, {poem: "李白《静夜思》"}).save(folder)
    for path, called in ((folder, name), (second.path, GONE)):
        models.add(path, called, visitor="cat", called="My bottles")
    assert title_of(models, GONE, "en") == "GRU × 1 · My bottles · 16 units"
    service.generate(models, prompt="10", models=[name], max_chars=4, temperature=0)
    service.analyse(models, name, "6", TEXT[:80])
    models.ngram(name)
    assert kept_of(models, name, folder) == [True] * 4
    trainings.remove("cat", key)
    assert kept_of(models, name, folder) == [False] * 4
    with pytest.raises(RequestError, match="trained by a visitor of this page and is gone"):
        service.generate(models, prompt="10", models=[name], max_chars=4, temperature=0)
    assert isinstance(downloads.answer(models, f"{name}.zip"), PlainTextResponse)
    assert of(trainings, "cat") == []
    assert [one.info.name for one in models.own("cat")] == [GONE]
    assert title_of(models, GONE, "en") == "GRU × 1 · My bottles"
    models.remove(GONE)


def test_a_kept_model_is_everybodys_under_the_readable_name_and_nothing_is_overwritten(models, trainings, tmp_path):
    (name,) = of(trainings, "bob")
    source = models.info(name).path
    served = Registry(tmp_path)
    served.add(source, name, visitor="bob", called="secret")
    first, second = (keep(served, name, local=True) for _ in range(2))
    assert (first, second) == (source.name, f"{source.name}-2")
    assert sorted(path.name for path in tmp_path.iterdir()) == [first, second]
    assert [one.info.name for one in served.own(None)] == [second, first]
    assert served.ngram(first).order == 6
    assert served.fingerprints(first)
    assert list(Registry(tmp_path).infos) == [first, second]
    assert deeprnn.load(tmp_path / first).generate("10", max_chars=4)
    arrivals = Arrivals(served, {tmp_path: "*"})
    arrivals.look()
    assert len(served.own(None)) == 2


def test_a_model_is_not_kept_where_others_reach_the_server_or_there_is_no_place(models, trainings, tmp_path):
    (name,) = of(trainings, "bob")
    served = Registry(tmp_path)
    served.add(models.info(name).path, name, visitor="bob")
    with pytest.raises(RequestError, match="one's own machine"):
        keep(served, name, local=False)
    with pytest.raises(RequestError, match="is gone"):
        keep(served, GONE, local=True)
    served.directory = tmp_path / "file"
    served.directory.write_text("")
    with pytest.raises(RequestError, match="cannot be written"):
        keep(served, name, local=True)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_only_its_visitor_keeps_a_model(models, trainings):
    name = of(trainings, "bob")[0].removeprefix("mine-")
    public, local = (Answers(models, trainings, lambda _: None, local=is_local) for is_local in (False, True))
    for answers, visitor, said in ((public, "bob", "own machine"), (local, "ann", "not there any more")):
        with pytest.raises(RequestError, match=said):
            answers.ask(visitor, json.dumps({"do": "keep", "key": name}).encode())
    keepable = [one.state("bob")["trainings"][name]["keepable"] for one in (public, local)]
    assert keepable == [False, True]


def test_a_file_and_a_link_that_name_a_model_that_is_gone_say_so_and_show_the_others(models):
    board = cards.recorded(models, ["note-lstm-2", "note-gru-2"])
    value = json.loads(export.export(models, board, "json")[1])
    value["cards"][0]["model"] = GONE
    again = export.reopen(models, json.dumps(value))
    assert (again.names, again.gone) == (["note-gru-2"], True)
    value["cards"] = value["cards"][:1]
    with pytest.raises(RequestError) as gone:
        export.reopen(models, json.dumps(value))
    assert gone.value.message("zh") == "这个模型由访客在本页训练，现已删除。"
    ask = links.parse(models, {"models": f"{GONE},note-gru-2,nobody"}, "en")
    assert (ask.models, ask.gone) == (("note-gru-2",), True)
    assert not links.parse(models, {"models": "nobody"}, "en").gone
