// The parts of the views' scripts that draw nothing: `npm test`.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { asked, matching, ordered } from '../../deeprnn/page/checkpoints/checkpoints.js';
import { queryOf, withoutFigures } from '../../deeprnn/page/compare/kept.js';
import { endOf, whole } from '../../deeprnn/page/compare/live.js';
import { after } from '../../deeprnn/page/compare/past.js';
import { moved } from '../../deeprnn/page/compare/sheet.js';
import { said } from '../../deeprnn/page/compare/tip.js';
import { unitOf } from '../../deeprnn/page/inside/pictures.js';
import { named } from '../../deeprnn/page/learn/unrolled.js';
import { level } from '../../deeprnn/page/score/heat.js';
import { means } from '../../deeprnn/page/score/running.js';
import { unpacked } from '../../deeprnn/page/score/score.js';
import { marks, placeOf } from '../../deeprnn/page/score/table.js';
import { rounded, verdict } from '../../deeprnn/page/score/verdict.js';

/** @param {object} changed */
const comparison = (changed) =>
  /** @type {Parameters<typeof queryOf>[0]} */ ({
    prompt: 'so & so 机',
    seed: 7,
    sampling: { temperature: 0.8, top_k: 0, top_p: 1 },
    preset: null,
    budget: null,
    shape: 'free',
    acrostic: '',
    regulated: false,
    lang: 'zh',
    cards: [
      { model: 'a,b', text: 'one', state: 'finished' },
      { model: 'c', text: '机器𝄞!', state: 'finished' },
    ],
    ...changed,
  });

test('the address of a board on which nothing is written yet has the length that was chosen', () => {
  const cards = [{ model: 'a', text: '', state: 'waiting' }];
  const sampling = { temperature: 0.8, top_k: 0, top_p: 1, max_chars: 300 };
  const query = new URLSearchParams(queryOf(comparison({ cards, sampling, prompt: '' })));
  assert.equal(query.get('length'), '300');
  assert.equal(query.get('prompt'), '');
});

test('the address of what was written holds every setting and the length in characters', () => {
  const query = Object.fromEntries(new URLSearchParams(queryOf(comparison({}))));
  const numbers = { seed: '7', temperature: '0.8', top_k: '0', top_p: '1', length: '4' };
  assert.deepEqual(query, { view: 'compare', lang: 'zh', models: 'a%2Cb,c', prompt: 'so & so 机', ...numbers });
});

test('the address of a poem holds its form and what was given, and no length', () => {
  const poem = comparison({ prompt: '春风', shape: '7x4', acrostic: '春夏秋冬' });
  const query = Object.fromEntries(new URLSearchParams(queryOf(poem)));
  assert.deepEqual([query.prompt, query.form, query.acrostic, query.length], ['春风', '7x4', '春夏秋冬', undefined]);
  const other = new URLSearchParams(queryOf(comparison({ shape: '5x8', regulated: true })));
  assert.deepEqual([query.regulated, other.get('regulated'), other.has('acrostic')], [undefined, '1', false]);
});

test('the address of a question that nobody wrote for keeps its recordings', () => {
  const cards = [{ model: 'a', text: 'one', state: 'recorded' }];
  const query = queryOf(comparison({ preset: 'ten', budget: 'parameters', cards }));
  assert.equal(query, 'view=compare&lang=zh&preset=ten&budget=parameters');
});

test('the address of recordings without a question has the prompt that they continue, that of samples has none', () => {
  const cards = [{ model: 'a', text: 'one', state: 'recorded' }];
  assert.equal(queryOf(comparison({ after: false, cards })), 'view=compare&lang=zh&models=a');
  const after = queryOf(comparison({ after: true, prompt: 'so', cards }));
  assert.equal(after, 'view=compare&lang=zh&models=a&prompt=so');
});

test('a saved comparison is opened without its figures, and what is none as it is', () => {
  assert.equal(withoutFigures('{"cards":[{"text":"a","figures":{"nats":[1]}}]}'), '{"cards":[{"text":"a"}]}');
  assert.equal(withoutFigures('{"cards": 7}'), '{"cards": 7}');
  assert.equal(withoutFigures('no'), 'no');
});

test('of a character its probability is said where surprise is shown, and its place where copies are', () => {
  const card = { prompt: '𝄞the', nats: [3.5, 0], runs: [[1, 2, 'The Time Machine, 3%']] };
  const labels = { chance: 'chance {p} (surprise {surprise} nats)' };
  /** @param {string} lens */
  const words = (lens) =>
    [0, 4, 5, 6].map((at) =>
      said(/** @type {Parameters<typeof said>[0]} */ (/** @type {unknown} */ ({ card, lens, labels })), at),
    );
  assert.deepEqual(words('surprise'), ['', 'chance 3.0% (surprise 3.50 nats)', 'chance 100% (surprise 0.00 nats)', '']);
  assert.deepEqual(words('copied'), ['', '', 'The Time Machine, 3%', '']);
  assert.deepEqual(words('plain'), ['', '', '', '']);
});

test('a board that is restored comes after what is shown and before what the server draws next', () => {
  const { turn, cards } = JSON.parse(after('{"turn":7,"cards":[]}', 1_800_000_000_000));
  assert.ok(1_800_000_000_000 < turn && turn < 1_800_000_000_001);
  assert.deepEqual(cards, []);
});

test('live letters have whole percents, and of a prompt its last whole characters are read', () => {
  assert.deepEqual([1, 0.996, 0.5, 0.01, 0.0099].map(whole), ['100%', '100%', '50%', '1%', '<1%']);
  assert.equal(endOf('a' + '𝄞'.repeat(160)), '𝄞'.repeat(160));
  assert.equal(endOf('the'), 'the');
});

test('arrow keys move among rows of different lengths, and stop at their ends', () => {
  const lengths = [3, 1, 2];
  assert.deepEqual(moved('ArrowRight', 0, 0, lengths), [0, 1]);
  assert.deepEqual(moved('ArrowRight', 0, 2, lengths), [0, 2]);
  assert.deepEqual(moved('ArrowLeft', 2, 0, lengths), [2, 0]);
  assert.deepEqual(moved('ArrowDown', 0, 2, lengths), [1, 0]);
  assert.deepEqual(moved('ArrowDown', 2, 1, lengths), [2, 1]);
  assert.deepEqual(moved('ArrowUp', 1, 0, lengths), [0, 0]);
  assert.deepEqual(
    [moved('Home', 0, 2, lengths), moved('End', 0, 0, lengths)],
    [
      [0, 0],
      [0, 2],
    ],
  );
  assert.equal(moved('Enter', 0, 0, lengths), null);
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
  const bytes = new Uint8Array(new Uint16Array([0, 1, 65535]).buffer);
  assert.deepEqual([...unpacked(btoa(String.fromCharCode(...bytes)), 0.5)], [0, 0.5, 32767.5]);
  assert.equal(unpacked('', 1).length, 0);
});

const LABELS = {
  best: '{title} best {n}',
  best_sure: '{title} sure {n}',
  only: '{title} {n}',
  only_sure: '{title} only sure {n}',
  counting_better: 'better {order} {n}',
  counting_worse: 'worse {order} {n}',
  guessing: 'guess {n}',
  all_worse: '{title} {n} worse than {guess}',
  none_knows: 'none',
  none_read: 'none read',
};

/** @param {object} row */
const scored = (row) =>
  /** @type {import('../../deeprnn/page/score/score.js').Row} */ ({
    kind: 'model',
    state: 'done',
    title: 'a',
    name: 'a',
    form: 'd2l',
    guess: 28,
    ppl: 5,
    unknown: 0,
    ...row,
  });
const gram = scored({ kind: 'ngram', title: 'gram', ppl: 4, count: 6, of: ['a', 'b'] });

test('the verdict names the best model, and whether counting does better', () => {
  const other = scored({ title: 'b', name: 'b', ppl: 7.123 });
  const say = (/** @type {ReturnType<typeof scored>[]} */ ...rows) => {
    const { bold, rest } = verdict(rows, 100, LABELS);
    return [bold, ...rest];
  };
  assert.deepEqual(say(other, scored({}), gram), ['a best 5', 'better 6 4', 'guess 28']);
  assert.deepEqual(say(other, gram), ['b 7.12', 'better 6 4', 'guess 28']);
  assert.deepEqual(say(scored({ ppl: 1.04 }), other, gram), ['a sure 1.04', 'worse 6 4', 'guess 28']);
  assert.deepEqual(say(scored({ ppl: 1e9 })), ['a 1 × 10^9 worse than 28']);
  const shorter = { ...gram, of: ['b'] }; // an n-gram of another text than the best model has read
  assert.deepEqual(say(other, scored({}), shorter), ['a best 5', 'guess 28']);
});

test('the verdict ranks no model that does not know the text, nor models of two forms together', () => {
  assert.equal(verdict([scored({ unknown: 60, ppl: 1.5 })], 100, LABELS).bold, 'none');
  assert.equal(verdict([scored({ state: 'stopped' }), gram], 100, LABELS).bold, 'none read');
  const full = scored({ title: 'full', form: 'full', guess: 89, ppl: 9 });
  const half = scored({ unknown: 8, ppl: 2 });
  assert.equal(verdict([half, full], 100, LABELS).bold, 'full 9');
});

test('figures are rounded to what a reader needs', () => {
  assert.deepEqual([1.0396, 4.468, 17.43, 133.29, 1606.4].map(rounded), ['1.04', '4.47', '17.4', '133', '1,606']);
});

test('the axis begins at 1, ends at the greatest perplexity, and its numbers are apart', () => {
  assert.deepEqual([placeOf(1, 28), placeOf(28, 28)], [0, 1]);
  for (const most of [2, 28, 3500, 1e9]) {
    const places = marks(most).map((value) => placeOf(value, most));
    assert.equal(places[0], 0);
    assert.ok(places.length >= 2);
    places.slice(1).forEach((place, index) => assert.ok(place - places[index] >= 0.16));
  }
});

test('the colours have 12 strengths in two directions', () => {
  assert.deepEqual([0, 0.5, 1, 3, -1].map(level), [0, 6, 12, 12, -12]);
});

test('symbols carry their indices, and letters their values', () => {
  assert.equal(named('H', 2, 13), 'H₁₃⁽²⁾');
  assert.equal(named('X', 0, 1), 'X₁');
  assert.deepEqual(unitOf('amy'), [-1, 0, 1]);
});
