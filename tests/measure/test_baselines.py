import math
import random
from collections import defaultdict

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deeprnn.lm.evaluation import unigram_ppl
from deeprnn.lm.sampling import Sampling
from deeprnn.measure.baselines import KEYS, NGram, xz_bpc
from deeprnn.text.corpora import load_corpus
from deeprnn.text.vocab import UNKNOWN_ID, Vocab

V = 4


@pytest.fixture(scope="module")
def docs():
    return load_corpus("python-docs", "full").text


@pytest.fixture(scope="module")
def vocab(docs):
    return Vocab.from_text(docs[:60_000], "full")


@pytest.fixture(scope="module")
def train_ids(docs, vocab):
    return torch.tensor(vocab.encode(docs[:60_000]))


@pytest.fixture(scope="module")
def heldout_ids(docs, vocab):
    return torch.tensor(vocab.encode(docs[60_000:70_000]))


def distribution(ngram, context):
    return [math.exp(-ngram.nats([*context, w])[-1]) for w in range(ngram.vocab_size)]


def by_definition(train, vocab_size, order, context, w):
    """p(w | context), the docstring's equations read aloud over dictionaries of tuples."""
    p = 1 / vocab_size
    for k in range(1, order + 1):
        occurrences, left = defaultdict(int), defaultdict(set)
        for i in range(len(train) - k + 1):
            gram = tuple(train[i : i + k])
            occurrences[gram] += 1
            left[gram].add(train[i - 1] if i else "start")
        c = dict(occurrences) if k == order else {gram: len(others) for gram, others in left.items()}
        n1, n2, n3, n4 = (1 + sum(count == j for count in c.values()) for j in (1, 2, 3, 4))
        y = n1 / (n1 + 2 * n2)
        d1 = 1 - 2 * y * n2 / n1
        d2 = max(d1, 2 - 3 * y * n3 / n2)
        d3 = max(d2, 3 - 4 * y * n4 / n3)
        h = tuple(context[len(context) - k + 1 :])
        followers = {gram: count for gram, count in c.items() if gram[:-1] == h}
        if len(h) < k - 1 or not followers:
            continue
        d = {gram: {1: d1, 2: d2}.get(count, d3) for gram, count in followers.items()}
        gram, total = (*h, w), sum(followers.values())
        p = (followers.get(gram, 0) - d.get(gram, 0)) / total + sum(d.values()) / total * p
    return p


# a = 1, b = 2, and 0 is unknown. Of "aababb" the bigrams are aa 1, ab 2, ba 1, bb 1.
#   Three occur once and one twice: n = 3+1, 1+1, 0+1, 0+1, so y = 4/8, d(1) = 1 - 2(1/2)(2/4) = 1/2 and
#   d(2) = 2 - 3(1/2)(1/2) = 5/4.
# Left of a are the start, a and b: 3. Left of b are a and b: 2.
#   n = 0+1, 1+1, 1+1, 0+1, so y = 1/5, d(2) = 2 - 3(1/5)(2/2) = 7/5 and d(3) = 3 - 4(1/5)(1/2) = 13/5.
#   They leave (7/5 + 13/5) / 5 = 4/5, a third of it, 20/75, to each symbol.
#   p(a) = (3 - 13/5) / 5 + 20/75 = 26/75     p(b) = (2 - 7/5) / 5 + 20/75 = 29/75     p(0) = 20/75
# After a (3 times): a once, b twice, which leave (1/2 + 5/4) / 3 = 7/12.
#   p(a|a) = (1/2)/3 + 7/12 26/75 = 332/900   p(b|a) = (3/4)/3 + 7/12 29/75 = 428/900   p(0|a) = 140/900
# After b (twice): a once, b once, which leave (1/2 + 1/2) / 2 = 1/2.
#   p(a|b) = (1/2)/2 + 1/2 26/75 = 127/300    p(b|b) = 133/300                          p(0|b) = 40/300
BY_HAND = {
    0: [20 / 75, 26 / 75, 29 / 75],  # after a character that never stood before another
    1: [140 / 900, 332 / 900, 428 / 900],
    2: [40 / 300, 127 / 300, 133 / 300],
}


@pytest.mark.parametrize("before", BY_HAND)
def test_a_bigram_equals_modified_kneser_ney_worked_out_by_hand(before):
    assert distribution(NGram.build([1, 1, 2, 1, 2, 2], 3, order=2), [before]) == pytest.approx(BY_HAND[before])


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_every_order_equals_its_definition(order):
    chance = random.Random(order)
    train = chance.choices(range(1, V), weights=[6, 3, 1], k=60)
    text = chance.choices(range(V), weights=[1, 6, 3, 3], k=40)
    nats = NGram.build(train, V, order).nats(text)
    expected = [-math.log(by_definition(train, V, order, text[:i], text[i])) for i in range(1, len(text))]
    assert nats.tolist() == pytest.approx(expected, rel=1e-12)


@given(st.lists(st.integers(0, V - 1), min_size=1, max_size=40), st.integers(1, 5), st.data())
def test_of_any_text_every_symbol_has_a_price_and_probabilities_sum_to_one(train, order, data):
    order = min(order, len(train))
    context = data.draw(st.lists(st.integers(0, V - 1), min_size=1, max_size=6))
    p = distribution(NGram.build(train, V, order), context)
    assert min(p) > 0
    assert math.fsum(p) == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize(
    "context", ["import", "statemen", "zzzment", "th", "\N{SNOWMAN}", "\N{SNOWMAN}ment", "a\N{SNOWMAN}"]
)
def test_probabilities_sum_to_one_after_seen_half_seen_and_unseen_contexts_of_real_text(train_ids, vocab, context):
    p = distribution(NGram.build(train_ids, len(vocab)), vocab.encode(context))
    assert math.fsum(p) == pytest.approx(1, rel=1e-12)


def test_the_unknown_symbol_costs_more_than_guessing_and_not_infinitely_much(train_ids, vocab):
    assert UNKNOWN_ID not in train_ids
    nats = NGram.build(train_ids, len(vocab)).nats(vocab.encode("the \N{SNOWMAN}\N{SNOWMAN} of"))
    assert nats.isfinite().all()
    assert (nats[3:5] > math.log(len(vocab))).all()


def test_longer_contexts_predict_new_text_better_and_order_1_like_letter_frequencies(train_ids, heldout_ids, vocab):
    unigram = math.log(unigram_ppl(train_ids, heldout_ids, len(vocab)))
    means = [NGram.build(train_ids, len(vocab), n).nats(heldout_ids).mean().item() for n in (1, 2, 3, 4, 6)]
    assert means == sorted(means, reverse=True)
    assert means[0] == pytest.approx(unigram, rel=0.01)
    assert means[-1] < unigram / 2


def test_a_text_that_was_counted_costs_little(train_ids, vocab):
    assert NGram.build(train_ids, len(vocab), order=12).nats(train_ids[1000:3000]).mean() < 0.5


def test_a_character_is_priced_by_at_most_order_minus_one_before_it(train_ids, heldout_ids, vocab):
    ngram = NGram.build(train_ids, len(vocab), order=4)
    nats = ngram.nats(heldout_ids[:100])
    for i in range(1, 100):
        assert ngram.nats(heldout_ids[max(0, i - 3) : i + 1])[-1] == nats[i - 1]


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.uint8])
def test_lists_and_tensors_give_the_same_float64_nats(dtype):
    train, text = [1, 2, 3, 1, 2, 0, 1], [2, 1, 2, 3]
    nats = NGram.build(torch.tensor(train, dtype=dtype), V, 3).nats(torch.tensor(text, dtype=dtype))
    assert nats.dtype == torch.float64
    assert nats.shape == (3,)
    assert torch.equal(nats, NGram.build(train, V, 3).nats(text))


def test_an_alphabet_of_thousands_does_not_overflow_at_a_high_order():
    large = 2**20
    train = torch.randint(large, (500,), generator=torch.Generator().manual_seed(0))
    nats = NGram.build(train, large, order=9).nats(train[100:200])
    assert ((nats > 0) & (nats < math.log(large))).all()


def test_a_training_text_shorter_than_the_order_is_refused_with_the_remedy():
    assert NGram.build([1, 2, 3], V, order=3).nats([1, 2]).isfinite().all()
    with pytest.raises(ValueError, match="not 2: use a longer text or a lower order"):
        NGram.build([1, 2], V, order=3)
    with pytest.raises(ValueError, match="not 0: use a longer text"):
        NGram.build([], V, order=1)


def test_an_order_below_one_is_refused():
    with pytest.raises(ValueError, match="at least 1, not 0"):
        NGram.build([1, 2], V, order=0)


@pytest.mark.parametrize("text", [[], [1]])
def test_fewer_than_two_characters_cannot_be_scored(text):
    with pytest.raises(ValueError, match="at least two characters"):
        NGram.build([1, 2], V, order=1).nats(text)


@pytest.mark.parametrize("stranger", [-1, V])
def test_ids_outside_the_alphabet_are_refused(stranger):
    with pytest.raises(ValueError, match=f"alphabet of {V} symbols"):
        NGram.build([1, stranger], V, order=1)
    with pytest.raises(ValueError, match=f"alphabet of {V} symbols"):
        NGram.build([1, 2], V, order=1).nats([1, stranger])
    with pytest.raises(ValueError, match=f"alphabet of {V} symbols"):
        NGram.build([1, 2], V, order=2).logits([stranger])


@given(st.lists(st.integers(0, V - 1), min_size=1, max_size=40), st.integers(1, 5), st.data())
def test_the_logits_after_a_context_are_what_its_next_character_costs(train, order, data):
    ngram = NGram.build(train, V, min(order, len(train)))
    context = data.draw(st.lists(st.integers(0, V - 1), min_size=1, max_size=6))
    assert np.exp(ngram.logits(context)).tolist() == pytest.approx(distribution(ngram, context), rel=1e-12)
    assert ngram.logits([]).shape == (V,)


def never(_ids):
    return False


def written(ngram, seed=0, count=30, temperature=1.0, is_whole=never):
    return ngram.write([1], count, Sampling(temperature=temperature, seed=seed), is_whole)


def test_an_n_gram_writes_what_it_has_counted_the_same_for_a_seed(train_ids, vocab):
    ngram = NGram.build(train_ids, len(vocab), 4)
    assert len(written(ngram)) == 30
    assert written(ngram) == written(ngram) != written(ngram, seed=1)
    assert written(ngram, count=20) == written(ngram)[:20]
    assert UNKNOWN_ID not in written(ngram, count=200)
    assert ngram.nats(written(ngram, count=200, temperature=0.5)).mean() < ngram.nats(written(ngram, count=200)).mean()


def test_at_temperature_0_an_n_gram_writes_the_most_probable_character():
    ngram = NGram.build([1, 2, 3] * 30, 4, 2)
    assert written(ngram, count=5, temperature=0) == [2, 3, 1, 2, 3]
    assert written(ngram, count=5, temperature=0, is_whole=lambda ids: ids[-1] == 3) == [2, 3]


def test_an_n_gram_draws_each_character_as_often_as_it_is_probable():
    ngram = NGram.build([1, 1, 2, 1, 2, 2], 3, order=2)
    p = np.exp(ngram.logits([1]))
    drawn = [written(ngram, seed, 1)[0] for seed in range(2_000)]
    assert drawn.count(1) / 2_000 == pytest.approx(p[1] / (p[1] + p[2]), abs=0.04)


def test_xz_pays_next_to_nothing_for_what_it_has_read(docs):
    # A match holds at most 273 bytes: 37 of them, about a byte each, say these 10,000 again.
    assert 0 <= xz_bpc(docs[:60_000], docs[20_000:30_000]) < 0.06
    assert xz_bpc(docs[:60_000], docs[60_000:70_000]) > 1


def test_xz_predicts_better_for_having_read_the_training_text(docs):
    text = docs[60_000:70_000]
    assert xz_bpc(docs[:60_000], text) < 0.8 * xz_bpc("", text)


def test_xz_cannot_shrink_chance_and_counts_characters_not_bytes():
    chance = np.random.default_rng(0)
    hexadecimal = "".join(chance.choice(list("0123456789abcdef"), 20_000))
    assert 4 < xz_bpc("", hexadecimal) < 4.6
    # 256 ideographs cost 8 bits each or more, in whatever three bytes UTF-8 writes them.
    ideographs = "".join(chance.choice([chr(0x4E00 + i) for i in range(256)], 20_000))
    assert 8 < xz_bpc("", ideographs) < 11


def test_xz_of_no_text_is_refused():
    with pytest.raises(ValueError, match="at least one character"):
        xz_bpc("abc", "")


def test_a_saved_ngram_prices_a_text_as_before(docs, vocab, tmp_path):
    ids = vocab.encode(docs)
    ngram = NGram.build(ids[:20_000], len(vocab))
    ngram.save(tmp_path / "docs.ngram")
    again = NGram.load(tmp_path / "docs.ngram")
    assert (again.order, again.vocab_size) == (ngram.order, ngram.vocab_size)
    torch.testing.assert_close(again.nats(ids[20_000:22_000]), ngram.nats(ids[20_000:22_000]), atol=2e-3, rtol=0)


@pytest.mark.parametrize("content", [b"", b"no n-gram", b"\xff" * 100])
def test_a_broken_ngram_is_refused_by_its_name(tmp_path, content):
    path = tmp_path / "docs.ngram"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"docs\.ngram is no n-gram"):
        NGram.load(path)


def test_an_absent_ngram_is_refused_by_its_name(tmp_path):
    with pytest.raises(ValueError, match=r"nobody\.ngram"):
        NGram.load(tmp_path / "nobody.ngram")


def test_the_largest_order_that_can_be_kept_is_taken(tmp_path):
    ids = torch.randint(0, 3, (2_000,), generator=torch.Generator().manual_seed(0))
    assert NGram.fitting(ids, 3).order == 6
    assert NGram.fitting([0, 1, 2], 3).order == 3
    ids = torch.arange(60_000) % 50_000  # as many symbols as no alphabet has: keys of order 3 and more pass 32 bits
    kept = NGram.fitting(ids, 100_000)
    assert kept.order == 1 + (NGram.build(ids, 100_000, 2).highest_key < KEYS)
    kept.save(tmp_path / "ngram")
    assert NGram.load(tmp_path / "ngram", 100_000).order == kept.order
