// The moments of the Watch view and its addresses: `npm test`.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { chartOf } from '../../deeprnn/page/watch/curves.js';
import { askedBy, latest, pace, pieces, placesOf, queryOf, shareOf } from '../../deeprnn/page/watch/timeline.js';

/** @param {object} changed */
const learner = (changed) =>
  /** @type {import('../../deeprnn/page/watch/timeline.js').Learner} */ ({
    name: 'a',
    title: 'LSTM × 2 · 9 characters',
    stack: 'LSTM × 2',
    symbols: 28,
    epoch: [1, 2, 4],
    chars: [9, 18, 36],
    seconds: [0.5, 1, 2],
    train: [20, 9, 2],
    heldout: [21, 10, 30],
    best: 1,
    ...changed,
  });
const one = learner({});
const other = learner({ name: 'b', epoch: [2, 3], chars: [8, 12], seconds: [0.1, 0.2] });
const nothing = { question: null, models: [], axis: 'epoch', place: null, kind: 'drawn' };
const KEYS = ['rote', 'depth'];

test('the moments are those of all models, each once and in order', () => {
  assert.deepEqual(placesOf([one, other], 'epoch'), [1, 2, 3, 4]);
  assert.deepEqual(placesOf([one, other], 'chars'), [8, 9, 12, 18, 36]);
});

test('a model shows its latest measurement that is not after the moment, or none', () => {
  const shown = placesOf([one, other], 'epoch').map((place) => [latest(one.epoch, place), latest(other.epoch, place)]);
  assert.deepEqual(shown, [
    [0, -1],
    [1, 0],
    [1, 1],
    [2, 1],
  ]);
});

test('few moments are shown for long enough to be read, many are not endless', () => {
  assert.equal(pace(6), 1_600);
  assert.equal(pace(54) * 54, 16_000);
  assert.equal(pace(1_000), 160);
});

test('a text is cut where copies begin and end, by characters and not by halves of them', () => {
  const text = '𝄞the time';
  assert.deepEqual(pieces(text, [[1, 4]]), [
    { text: '𝄞', copied: false },
    { text: 'the', copied: true },
    { text: ' time', copied: false },
  ]);
  assert.deepEqual(pieces(text, []), [{ text, copied: false }]);
  assert.deepEqual(pieces(text, [[0, 9]]), [{ text, copied: true }]);
  assert.equal(shareOf([[1, 4]], text), 1 / 3);
  assert.equal(shareOf([], ''), 0);
});

test('an address says question, axis, moment and texts, and comes back as it was', () => {
  for (const query of [
    'question=rote&epoch=80',
    'question=depth&seconds=1.5&text=greedy',
    'question=rote',
    'models=a%252Cb%2Cc&chars=900',
    '',
  ]) {
    assert.equal(queryOf(askedBy(query, KEYS)), new URLSearchParams(query).toString());
  }
  assert.deepEqual(askedBy('models=a%252Cb,c', KEYS), { ...nothing, models: ['a,b', 'c'] });
});

test('what makes no sense in an address is passed over', () => {
  for (const query of [
    'question=nobody',
    'epoch=',
    'epoch=%20',
    'epoch=soon',
    'epoch=NaN',
    'epoch=1e999',
    'models=%25',
  ]) {
    assert.deepEqual(askedBy(query, KEYS), nothing, query);
  }
  assert.deepEqual(askedBy('question=<script>&epoch=3', KEYS), { ...nothing, place: 3 });
});

test('a question wins over models', () => {
  assert.deepEqual(askedBy('question=rote&models=a', KEYS).models, []);
});

test('the chart has both perplexities of each model, a ring at its best, and guessing once', () => {
  const labels = { run_part: '{run}, {part}', train: 'train', heldout: 'held-out', guessing: 'guessing: {n}' };
  const chart = chartOf([one, other], ['lstm', 'spare-1'], 'epoch', labels);
  assert.deepEqual(
    chart.series.map(({ short, colour, mark, best }) => [short, colour, mark, best]),
    [
      ['LSTM × 2, train', 'lstm', 0, undefined],
      ['LSTM × 2, held-out', 'lstm', 0, 1],
      ['LSTM × 2, train', 'spare-1', 1, undefined],
      ['LSTM × 2, held-out', 'spare-1', 1, 1],
    ],
  );
  assert.deepEqual(chart.series[1].points, [
    [1, 21, null],
    [2, 10, null],
    [4, 30, null],
  ]);
  assert.deepEqual(chart.rules, [{ name: 'guessing: 28', y: 28 }]);
});

test('an axis is logarithmic if its end is far from its start, and only if it does not begin at zero', () => {
  const labels = { run_part: '', guessing: '' };
  const isLog = (/** @type {number[]} */ epoch) => chartOf([learner({ epoch })], ['lstm'], 'epoch', labels).log_x;
  assert.deepEqual([isLog([1, 2, 500]), isLog([1, 2, 10]), isLog([0, 2, 500])], [true, false, false]);
});
