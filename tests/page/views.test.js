// The parts of the views' scripts that draw nothing: `npm test`.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { asked, matching, ordered } from '../../deeprnn/page/checkpoints/checkpoints.js';
import { queryOf, withoutFigures } from '../../deeprnn/page/compare/cards.js';
import { endOf, whole } from '../../deeprnn/page/compare/live.js';
import { percent } from '../../deeprnn/page/compare/sheet.js';
import { unitOf } from '../../deeprnn/page/inside/pictures.js';
import { named } from '../../deeprnn/page/learn/stack.js';
import { unpacked } from '../../deeprnn/page/score/heat.js';
import { means } from '../../deeprnn/page/score/running.js';

/** @param {object} changed */
const comparison = (changed) =>
  /** @type {Parameters<typeof queryOf>[0]} */ ({
    prompt: 'so & so 机',
    seed: 7,
    sampling: { temperature: 0.8, top_k: 0, top_p: 1 },
    preset: null,
    budget: null,
    lang: 'zh',
    cards: [
      { model: 'a,b', text: 'one', state: 'finished' },
      { model: 'c', text: '机器𝄞!', state: 'finished' },
    ],
    ...changed,
  });

test('the address of what was written holds every setting and the length in characters', () => {
  const query = Object.fromEntries(new URLSearchParams(queryOf(comparison({}))));
  const numbers = { seed: '7', temperature: '0.8', top_k: '0', top_p: '1', length: '4' };
  assert.deepEqual(query, { view: 'compare', lang: 'zh', models: 'a%2Cb,c', prompt: 'so & so 机', ...numbers });
});

test('the address of a question that nobody wrote for keeps its recordings', () => {
  const cards = [{ model: 'a', text: 'one', state: 'recorded' }];
  const query = queryOf(comparison({ preset: 'ten', budget: 'parameters', cards }));
  assert.equal(query, 'view=compare&lang=zh&preset=ten&budget=parameters');
});

test('a saved comparison is opened without its figures, and what is none as it is', () => {
  assert.equal(withoutFigures('{"cards":[{"text":"a","figures":{"nats":[1]}}]}'), '{"cards":[{"text":"a"}]}');
  assert.equal(withoutFigures('{"cards": 7}'), '{"cards": 7}');
  assert.equal(withoutFigures('no'), 'no');
});

test('probabilities have as many digits as they are worth', () => {
  assert.deepEqual([1, 0.0996, 0.05, 0.0004].map(percent), ['100%', '10%', '5.0%', '0.04%']);
});

test('live letters have whole percents, and of a prompt its last whole characters are read', () => {
  assert.deepEqual([1, 0.996, 0.5, 0.01, 0.0099].map(whole), ['100%', '100%', '50%', '1%', '<1%']);
  assert.equal(endOf('a' + '𝄞'.repeat(160)), '𝄞'.repeat(160));
  assert.equal(endOf('the'), 'the');
});

test('checkpoints are found by all the words wanted, in either language, and sorted by what a cell is worth', () => {
  const rows = [
    ['GRU', 10],
    ['LSTM', 9],
    ['GRU wide', 100],
  ].map(([title, size]) => ({
    name: String(title),
    cell: '',
    words: title === 'LSTM' ? '两层' : '',
    cells: [{ text: `${size} kB`, sort: size }],
  }));
  const names = (/** @type {string} */ wanted) => matching(rows, wanted).map((row) => row.name);
  assert.deepEqual(names(' gru kb'), ['GRU', 'GRU wide']);
  assert.deepEqual(names('两层'), ['LSTM']);
  assert.deepEqual(names('rnn'), []);
  const sorted = (/** @type {boolean} */ descending) => ordered(rows, 0, descending).map((row) => row.name);
  assert.deepEqual(sorted(false), ['LSTM', 'GRU', 'GRU wide']);
  assert.deepEqual(sorted(true), ['GRU wide', 'GRU', 'LSTM']);
});

test('an address names the checkpoint whose card is open, if it is of that view', () => {
  assert.equal(asked('?view=checkpoints&models=a%252Cb,c'), 'a,b');
  assert.equal(asked('?view=checkpoints'), null);
  assert.equal(asked('?view=score&models=a'), null);
});

test('the running mean counts symbols, and has a point for each end', () => {
  assert.deepEqual(means([2, 4, 6], [1, 2, 1]), [
    [1, 2],
    [2, 2],
    [3, 3],
  ]);
  assert.deepEqual(means([5, 1], [0, 1]), [[2, 6]]);
  const long = means(Array(1001).fill(1), Array(1001).fill(1));
  assert.ok(long.length <= 302);
  assert.deepEqual(long.at(-1), [1001, 1]);
});

test('numbers are unpacked as they were packed', () => {
  const bytes = new Uint8Array(new Float32Array([0.5, -2, 1e9]).buffer);
  assert.deepEqual([...unpacked(btoa(String.fromCharCode(...bytes)))], [0.5, -2, 1e9]);
  assert.equal(unpacked('').length, 0);
});

test('symbols carry their indices, and letters their values', () => {
  assert.equal(named('H', 2, 13), 'H₁₃⁽²⁾');
  assert.equal(named('X', 0, 1), 'X₁');
  assert.deepEqual(unitOf('amy'), [-1, 0, 1]);
});
