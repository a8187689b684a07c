// The parts of the Train view that draw nothing: `npm test`.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { figuresOf } from '../../deeprnn/page/training/cards.js';
import { ask, failure, merged } from '../../deeprnn/page/training/client.js';
import { look, seriesOf } from '../../deeprnn/page/training/race.js';
import { decoded } from '../../deeprnn/page/training/reading.js';

const bytes = (/** @type {number[]} */ ...values) => new Uint8Array(values);

test('a file is read as UTF-8, by its mark as UTF-16, else as GB18030; what is no text is not read', () => {
  assert.deepEqual(decoded(new TextEncoder().encode('\ufeff猴子')), { text: '猴子', encoding: 'UTF-8' });
  assert.deepEqual(decoded(bytes(0xff, 0xfe, 0x34, 0x73)), { text: '猴', encoding: 'UTF-16LE' });
  assert.deepEqual(decoded(bytes(0xfe, 0xff, 0x73, 0x34)), { text: '猴', encoding: 'UTF-16BE' });
  assert.deepEqual(decoded(bytes(0xba, 0xef, 0xd7, 0xd3)), { text: '猴子', encoding: 'GB18030' });
  assert.equal(decoded(bytes(0x61, 0, 0x62, 0)), null);
  assert.equal(decoded(bytes(0xff, 0xff, 0xff)), null);
  assert.deepEqual(decoded(bytes()), { text: '', encoding: 'UTF-8' });
});

test('what is new of a training is added to it; points are added to its points, or replace them', () => {
  const first = merged(undefined, 'k', { anew: true, state: 'running', curve: [[1, 2, 3, 4]], losses: [[1, 2, 3]] });
  assert.deepEqual([first.key, first.state, first.curve.length, first.losses.length], ['k', 'running', 1, 1]);
  const next = merged(first, 'k', { state: 'stopping', curve: [[2, 3, 4, 5]] });
  assert.deepEqual([next.state, next.curve.length, next.losses.length], ['stopping', 2, 1]);
  assert.deepEqual(merged(next, 'k', { anew: true }).curve, []);
  assert.equal(first.curve.length, 1);
});

const labels = {
  heldout: 'held-out',
  train: 'training',
  epoch: 'epoch {at} of {all}',
  speed: '{n} characters/s',
  left: '{n} s left',
  best: 'best held-out {ppl}',
  reached: 'at the end {ppl} ({order}-gram {ngram})',
  failed: 'no answer ({why})',
};

/** @param {object} values */
const training = (values) => ({
  ...merged(undefined, 'k', { anew: true, epochs: 30, reached: {}, ngram: { order: 6, ppl: 2.944, val_ppl: 3.45 } }),
  name: 'GRU × 1',
  ...values,
});

test('a training has a line once it has a point, and at most 60 points of its loss are drawn, the last among them', () => {
  assert.deepEqual(seriesOf(training({}), look(0), labels), []);
  const losses = [...Array(1000).keys()].map((n) => [n, 2 * n, 5]);
  const [heldout, train] = seriesOf(training({ curve: [[10, 20, 5, 6]], losses }), look(1), labels);
  assert.deepEqual(heldout.points, [[20, 10, 6, null]]);
  assert.ok(train.points.length <= 60);
  assert.deepEqual(train.points.at(-1), [1998, 999, 5, null]);
  assert.notEqual(heldout.dash, train.dash);
});

test('nine trainings look different', () => {
  const looks = [...Array(9).keys()].map((n) => JSON.stringify(look(n)));
  assert.equal(new Set(looks).size, 9);
});

test('a card says how far a training is, how fast, how long it takes, and its best on held-out text', () => {
  const progress = { epoch: 12.7, seconds: 9, chars_per_second: 19000, seconds_left: 8.2 };
  const curve = [
    [1, 1, 9, 8],
    [2, 2, 5, 6.114],
    [3, 3, 4, 6.4],
  ];
  const said = 'epoch 12 of 30 · 19,000 characters/s · 9 s left · best held-out 6.11';
  assert.equal(figuresOf(training({ state: 'running', progress, curve }), labels), said);
  const ended = 'epoch 30 of 30 · 19,000 characters/s · best held-out 6.11';
  assert.equal(figuresOf(training({ state: 'finished', progress, curve }), labels), ended);
  assert.equal(figuresOf(training({ state: 'waiting', progress: null }), labels), '');
  const reached = figuresOf(training({ state: 'finished', progress, curve, reached: { heldout_ppl: 3.2 } }), labels);
  assert.equal(reached, `${ended} · at the end 3.20 (6-gram 2.94)`);
});

test('what the server says of a request that it does not take is said alone, and only else that it did not answer', async () => {
  const reason = 'The request is larger than 500,000 bytes.';
  const answers = [{ detail: reason }, {}];
  const before = globalThis.fetch;
  globalThis.fetch = /** @type {any} */ (async () => ({ ok: false, status: 413, json: async () => answers.shift() }));
  const said = /** @type {string[]} */ ([]);
  for (let times = 0; times < 2; times++) await ask('ask', {}).catch((error) => said.push(failure(error, labels)));
  globalThis.fetch = before;
  assert.deepEqual(said, [reason, 'no answer (HTTP 413)']);
});
