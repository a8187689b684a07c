// The parts of the shared scripts that draw nothing: `npm test`.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  apart,
  digits,
  estimated,
  powered,
  scale,
  share,
  short,
  spread,
  ticks,
} from '../../deeprnn/page/shared/charts.js';
import {
  Carried,
  between,
  composes,
  filled,
  listed,
  modified,
  percent,
  strength,
  visible,
} from '../../deeprnn/page/shared/dom.js';
import { csvOf } from '../../deeprnn/page/shared/export.js';
import { nearestOf } from '../../deeprnn/page/shared/lines.js';
import { narrowed } from '../../deeprnn/page/shared/picker.js';

test('a key may be that of an input method, also as Safari says it, or that of the browser', () => {
  const key = (/** @type {Partial<KeyboardEvent>} */ values) => /** @type {KeyboardEvent} */ (values);
  assert.ok(composes(key({ key: 'Escape', isComposing: true })));
  assert.ok(composes(key({ key: 'Escape', isComposing: false, keyCode: 229 })));
  assert.ok(!composes(key({ key: 'Escape', isComposing: false, keyCode: 27 })));
  for (const one of ['altKey', 'ctrlKey', 'metaKey']) assert.ok(modified(key({ key: 'ArrowLeft', [one]: true })));
  assert.ok(!modified(key({ key: 'ArrowLeft', shiftKey: true })));
});

test('ticks are round, within the ends, and three at least', () => {
  assert.deepEqual(ticks(0, 10), [0, 2, 4, 6, 8, 10]);
  assert.deepEqual(ticks(3, 41), [10, 20, 30, 40]);
  assert.deepEqual(ticks(1, 10_000, true), [1, 10, 100, 1000, 10_000]);
  assert.deepEqual(ticks(1, 30, true), [1, 2, 5, 10, 20]);
  assert.deepEqual(ticks(2.1, 2.9, true), [2.2, 2.4, 2.6, 2.8]);
  assert.deepEqual(ticks(5, 5), [5]);
  for (const [from, to] of [
    [1.01, 1.02],
    [1, 3],
    [4.9, 31],
    [0.2, 7e5],
    [1, 3503],
  ]) {
    for (const log of [true, false]) {
      const found = ticks(from, to, log);
      assert.ok(found.length >= 3 && found.length <= 13, `${from} to ${to}: ${found}`);
      assert.ok(found.every((value) => value >= from * (1 - 1e-9) && value <= to * (1 + 1e-9)));
      assert.deepEqual(
        found,
        [...new Set(found)].sort((a, b) => a - b),
      );
    }
  }
});

test('a probability has as many digits as it is worth, and that of a rare character can be read', () => {
  assert.deepEqual([1, 0.0996, 0.05, 0.001, 0.0004].map(percent), ['100%', '10%', '5.0%', '0.1%', '0.04%']);
  assert.deepEqual([0.0001, 0.00005, 0.00004, 0].map(percent), ['0.01%', '0.01%', '< 0.01%', '< 0.01%']);
});

test('a scale has its ends at its ends, and equal ratios at equal distances where it is logarithmic', () => {
  const even = scale([4, 2, 3], 10, 110);
  assert.deepEqual([even.least, even.most, even.at(2), even.at(3), even.at(4)], [2, 4, 10, 60, 110]);
  const log = scale([1, 100], 0, 80, true);
  assert.deepEqual([1, 10, 100].map(log.at).map(Math.round), [0, 40, 80]);
  assert.equal(scale([7, 7], 5, 9).at(7), 5);
});

test('marks that would run into each other are left out', () => {
  globalThis.document = /** @type {any} */ ({ createElement: () => ({ getContext: () => null }) });
  assert.deepEqual(apart([1, 2, 3, 4], scale([1, 4], 0, 30)), [1, 3]);
  assert.deepEqual(apart([1, 2, 3, 4], scale([1, 4], 0, 300)), [1, 2, 3, 4]);
});

test('names that would overlap are moved apart, in their order and within the picture', () => {
  assert.deepEqual(spread([10, 50, 90], 15, 0, 100), [10, 50, 90]);
  assert.deepEqual(spread([52, 50, 51], 15, 0, 100), [80, 50, 65]);
  assert.deepEqual(spread([99, 98, 5], 15, 0, 100), [100, 85, 5]);
  const crowded = spread(Array(8).fill(97), 12, 0, 100);
  assert.deepEqual(
    crowded,
    [16, 28, 40, 52, 64, 76, 88, 100].map((_, index) => 16 + 12 * index),
  );
});

test('numbers are as long as they are worth', () => {
  assert.deepEqual([powered(25_800_000, 1), powered(1e9, 0), powered(0.00021, 1)], ['2.6 × 10⁷', '10⁹', '2.1 × 10⁻⁴']);
  assert.deepEqual([1, 999, 1500, 2_000_000, 3e9].map(short), ['1', '999', '1.5 k', '2 M', '3 × 10⁹']);
  assert.deepEqual([1.0149, 12.34, 250.7].map(digits), ['1.015', '12.3', '251']);
  assert.equal(estimated(83.2, 2.316), '83.2 ± 2.3');
  assert.equal(estimated(1.0149, null), '1.015');
  assert.deepEqual([share(0, 0.191), share(5.41, null), share(90.4, 1.83)], ['0.00 ± 0.19', '5.41', '90.4 ± 1.8']);
});

test('the nearest point is the one with the nearest pixel', () => {
  const x = scale([1, 1000], 0, 300, true);
  const points = [1, 10, 1000].map((at) => ({ at }));
  assert.deepEqual(
    [90, 160, 290].map((pixel) => nearestOf(points, pixel, x).at),
    [10, 10, 1000],
  );
});

/** @typedef {{ turn: number, cards: { text: string, state?: string }[] }} Board */

/** @param {...unknown} lines */
const text = (...lines) => lines.map((line) => JSON.stringify(line)).join('\n');

/** @param {...string} texts */
const board = (...texts) => ({ turn: 1, cards: texts.map((one) => ({ text: one })) });

/** @param {...string} texts */
const drawn = (...texts) => ({ ...board(...texts), labels: {}, lang: 'en' });

/** @param {'en' | 'zh'} language */
function speak(language) {
  Object.assign(globalThis, { document: { documentElement: { dataset: { language } } } });
}

test('a text that grows is read from where it ended, and tells what was added', () => {
  speak('en');
  const props = { value: text(board('a', '机')) };
  /** @type {Carried<Board>} */
  const carried = new Carried(props, {});
  const first = carried.given();
  assert.deepEqual(first, drawn('a', '机'));
  assert.equal(carried.news(), null);
  assert.deepEqual(carried.news(), []);
  props.value += '\n' + text(['b', '器']);
  assert.deepEqual(carried.news(), [['b', '器']]);
  props.value += '\n' + text(['', '𝄞']) + '\n' + text([{ text: 'abc', state: 'finished' }, '!']);
  assert.deepEqual(carried.news(), [
    ['', '𝄞'],
    [{ text: 'abc', state: 'finished' }, '!'],
  ]);
  assert.equal(carried.given(), first);
  assert.deepEqual(first.cards, [{ text: 'abc', state: 'finished' }, { text: '机器𝄞!' }]);
});

test('another value is drawn whole, also where it follows in the same text', () => {
  speak('en');
  const props = { value: text(board('a'), ['b']) };
  /** @type {Carried<Board>} */
  const carried = new Carried(props, {});
  carried.news();
  props.value += '\n' + text(board('z'), ['y']);
  assert.equal(carried.news(), null);
  assert.deepEqual(carried.given(), drawn('zy'));
  props.value = text(board('other'));
  assert.equal(carried.continues(props.value), false);
  assert.equal(carried.news(), null);
  assert.deepEqual(carried.given(), drawn('other'));
});

test('nothing is read out of nothing', () => {
  speak('en');
  /** @type {Carried<Board>} */
  const carried = new Carried({ value: '' }, {});
  assert.equal(carried.given(), null);
});

test('a value says what it says in the language of the page, and is carried in both', () => {
  speak('en');
  const both = (/** @type {string} */ text) => ({ turn: 1, cards: [{ text, state: { en: 'writing', zh: '生成中' } }] });
  const props = { value: text(both('a')) };
  /** @type {Carried<any>} */
  const carried = new Carried(props, { stop: { en: 'Stop', zh: '停止' } });
  assert.deepEqual([carried.given().cards[0].state, carried.given().labels.stop], ['writing', 'Stop']);
  carried.news();
  speak('zh');
  props.value += '\n' + text(['机']);
  assert.equal(carried.news(), null);
  assert.deepEqual([carried.given().cards[0].state, carried.given().labels.stop], ['生成中', '停止']);
  assert.equal(carried.given().cards[0].text, 'a机');
  carried.change(({ cards }) => (cards[0].text = 'b'));
  assert.deepEqual(JSON.parse(props.value), both('b'));
  assert.deepEqual([carried.given().cards[0].text, carried.given().lang], ['b', 'zh']);
  speak('en');
  assert.equal(carried.given().cards[0].state, 'writing');
});

test('words are filled in as they are, joined as their language joins them, and seen', () => {
  assert.equal(filled('{a} and {b}', { a: '$& {b}', b: 2 }), '$& 2 and {b}');
  assert.deepEqual(['en', 'zh'].map(between), [' ', '']);
  assert.deepEqual(['\n', ' ', '机'].map(visible), ['↵', '␣', '机']);
  assert.deepEqual([0, 3, 6, 60].map(strength), [0, 0.5, 1, 1]);
});

test('names stand in an address apart, whatever they are', () => {
  assert.equal(listed(['a', 'b,c', '50%']), 'a,b%2Cc,50%25');
});

test('no cell of a chart as CSV is a formula to a spreadsheet', () => {
  const texts = ['=1+1', '+1', '-1.5%', '-x', '@SUM(1)', ' =1', '\t=1', '＝1', 'a = b'];
  const table = { columns: ['what'], rows: texts.map((text) => [text]) };
  const chart = /** @type {any} */ ({ kind: 'bars', title: '=1', table });
  const told = csvOf(chart).split('\r\n').slice(2, -1);
  assert.deepEqual(told, ["'=1+1", '+1', '-1.5%', "'-x", "'@SUM(1)", "' =1", "'\t=1", "'＝1", 'a = b']);
});

test('a chart as CSV holds every number in full, and quotes what would end a cell', () => {
  const lines = csvOf({
    kind: 'lines',
    name: '',
    title: 'Ten, "plain"',
    series: [
      {
        name: 'GRU, "plain"',
        short: 'GRU',
        colour: 'gru',
        mark: 0,
        dash: 0,
        points: [
          [1, 2.5, null],
          [2, 2.25, 0.125],
        ],
      },
    ],
    xs: ['layers'],
    log_x: false,
    ticks: [],
    y: 'perplexity',
    rules: [],
  });
  const rows = [
    '"# Ten, ""plain"""',
    'series,layers,perplexity,half_width_95',
    '"GRU, ""plain""",1,2.5,',
    '"GRU, ""plain""",2,2.25,0.125',
    '',
  ];
  assert.equal(lines, rows.join('\r\n'));
});

test('the list of models has what passes the filters and what is chosen, titled in the language', () => {
  const title = (/** @type {string} */ name) => ({ English: `${name}, plain`, 中文: `${name}，直接堆叠` });
  /** @type {import('../../deeprnn/page/shared/picker.js').Model[]} */
  const models = [
    ['one', title('RNN'), ['rnn', '2', 'plain']],
    ['two', title('GRU'), ['gru', '2', 'plain']],
    ['ten', title('GRU'), ['gru', '10', 'residual']],
    ['all', title('LSTM'), ['lstm', '2', 'shared']],
  ];
  const offered = { first: [], models, wirings: ['plain', 'residual'] };
  const listed = (/** @type {any[]} */ ...controls) => narrowed(offered, ...controls, '').choices;
  assert.deepEqual(
    listed('', '', '', [], 'English').map(([, name]) => name),
    ['one', 'two', 'ten'],
  );
  assert.deepEqual(listed('gru', '10', '', ['one'], '中文'), [
    ['RNN，直接堆叠', 'one'],
    ['GRU，直接堆叠', 'ten'],
  ]);
  assert.deepEqual(listed('lstm', null, '', null, 'English'), []);
});

test('the own models of the reader come first, and one that was removed leaves the choice', () => {
  /** @type {(name: string) => import('../../deeprnn/page/shared/picker.js').Model} */
  const model = (name) => [name, { English: name.toUpperCase() }, ['gru', 'plain']];
  const offered = { first: [], models: [model('public')], wirings: ['plain'] };
  const board = (/** @type {string[]} */ ...names) => JSON.stringify({ models: names.map(model) });
  const many = (/** @type {string[]} */ chosen, /** @type {string} */ own) =>
    narrowed(offered, '', chosen, 'English', own);
  assert.deepEqual(many(['public'], board('b', 'a')), {
    __type__: 'update',
    choices: [
      ['B', 'b'],
      ['A', 'a'],
      ['PUBLIC', 'public'],
    ],
  });
  assert.deepEqual(many(['a', 'public', 'mine-of-another'], board('b')).value, ['public', 'mine-of-another']);
  assert.equal('value' in many(['public', 'b'], board('b')), false);
  /** @type {import('../../deeprnn/page/shared/picker.js').Model} */
  const none = ['', { English: 'none' }, []];
  const one = { ...offered, first: [none] };
  assert.deepEqual(narrowed(one, 'a', 'English', board()), {
    __type__: 'update',
    choices: [
      ['none', ''],
      ['PUBLIC', 'public'],
    ],
    value: '',
  });
  assert.equal('value' in narrowed(one, 'public', 'English', board()), false);
});
