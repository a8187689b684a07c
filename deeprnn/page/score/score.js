// Draws the scores (see rows.py): a verdict; a table with bars; the text, each character coloured by how improbable one
// model finds it, or by the difference of two models; and the perplexity along the text.
import {
  Carried,
  announcer,
  between,
  button,
  filled,
  find,
  keepFocus,
  listed,
  node,
  onLanguage,
  percent,
  segments,
  strength,
  take,
  visible,
} from '../shared/dom.js';
import { report } from '../shared/address.js';
import { sized } from '../shared/sized.js';
import { HeatMap, level } from './heat.js';
import { running } from './running.js';
import { figures, table } from './table.js';
import { verdict } from './verdict.js';

/**
 * A model or a baseline: its figures are there once its state is "done". nats, where: packed, see `unpacked`.
 * @typedef {object} Row
 * @property {'model' | 'mean' | 'ngram' | 'uniform'} kind
 * @property {'waiting' | 'done' | 'broken' | 'absent' | 'stopped'} state
 * @property {string} title
 * @property {string} name of the recipe
 * @property {string} cell
 * @property {string} form
 * @property {number} guess the number of symbols
 * @property {number} ppl
 * @property {number} bpc
 * @property {string} nats
 * @property {number} step
 * @property {number} [count] of models, or the order of an n-gram
 * @property {string[]} [of] the models whose training text an n-gram has counted
 * @property {number} [unknown] how many characters the model does not know
 * @property {string} [why] why a broken model cannot be used
 * @property {string} [where] one bit for each character: whether it is unknown
 */

/** @typedef {Row & { costs: Float32Array, missing: Uint8Array }} Scored costs: the nats of each character after the first */

/**
 * @typedef {object} Value
 * @property {number} turn of the drawing; a later one has a greater turn
 * @property {string} text
 * @property {[number, number][]} merged the characters that are not read as one symbol, with their numbers of symbols
 * @property {string[]} models
 * @property {string} about
 * @property {string[]} notes
 * @property {Row[]} cards
 * @property {Record<string, string>} labels
 * @property {string} lang
 */

/** @param {string} text */
const bytes = (text) => Uint8Array.from(atob(text), (byte) => byte.charCodeAt(0));

/**
 * Numbers that rows.py packed: whole numbers of two bytes, each worth `step`.
 * @param {string} packed
 * @param {number} step
 */
export const unpacked = (packed, step) => Float32Array.from(new Uint16Array(bytes(packed).buffer), (n) => n * step);

/**
 * A choice among the rows that are there.
 * @param {Row[]} rows
 * @param {string} label
 * @param {number} current
 * @param {(index: number) => void} choose
 */
function select(rows, label, current, choose) {
  const wrap = node('label', 'pick', label + ' ');
  const made = node('select');
  rows.forEach((row, index) => {
    if (row.state !== 'done') return;
    const option = node('option', '', row.title);
    option.value = String(index);
    option.selected = index === current;
    made.append(option);
  });
  made.addEventListener('change', () => choose(Number(made.value)));
  wrap.append(made);
  return wrap;
}

class Score {
  /** Whether the colours show one model, or the difference of two. @type {'one' | 'two'} */
  mode = 'one';
  chosen = 0;
  second = 1;
  /** The models among whose rows these are. */
  models = '';
  /** Whether the fold of all figures is open. */
  unfolded = false;
  /** The turn of the drawing that the reader stopped. */
  stopped = 0;
  /** @type {boolean[]} which of its rows still waited then */
  held = [];
  /** The turn of the drawing that is shown. */
  turn = 0;
  /** The present values of the controls. @type {{ text: string, models: string[] } | null} */
  asked = null;
  /** The unpacked rows. @type {WeakMap<Row, Scored>} */
  unpacked = new WeakMap();
  /** The text in the map. @type {string | null} */
  text = null;
  verdict = node('div', 'verdict-place');
  table = node('div');
  controls = node('div', 'heat-controls');
  line = node('p', 'explain');
  running = node('div', 'along');

  /** @param {import('../shared/dom.js').Board} board */
  constructor({ element, props, labels, trigger, watch }) {
    this.root = find(element, '.score-result');
    /** @type {Carried<Value>} */
    this.carried = new Carried(props, labels);
    this.trigger = trigger;
    this.announce = announcer(element);
    this.heat = new HeatMap('', (index) => this.line.replaceChildren(...this.#explained(index)));
    this.line.setAttribute('aria-live', 'polite');
    this.root.addEventListener('asked', (event) => {
      this.asked = /** @type {CustomEvent} */ (event).detail;
      this.#mark();
    });
    watch('value', () => this.draw());
    onLanguage(this.root, () => this.draw());
    this.draw();
  }

  /** The value that is drawn; rows that waited when the reader pressed Stop stay so, whatever still comes. */
  get value() {
    const given = this.carried.given();
    if (!given?.cards || given.turn !== this.stopped) return given;
    const held = (/** @type {Row} */ row) => ({ ...row, state: /** @type {const} */ ('stopped') });
    return { ...given, cards: given.cards.map((row, at) => (this.held[at] ? held(row) : row)) };
  }

  draw() {
    if (this.carried.begun()?.turn < this.turn) {
      this.carried.keep(); // it was asked for before the one that is drawn, and came late
      return;
    }
    const news = this.carried.news();
    const { value } = this;
    if (!value?.cards) {
      this.root.replaceChildren(node('p', 'empty', value?.labels.empty ?? ''));
      return;
    }
    if (value.turn === this.stopped && news) return; // without news: in another language
    if (!news || this.turn !== value.turn) this.#begin(value);
    this.turn = value.turn;
    report('score', () => new URLSearchParams({ models: listed(value.models), text: value.text }).toString());
    this.#tell();
    this.#paint();
    if (!this.#isReading()) this.#run();
    this.#mark();
  }

  /**
   * Draws what does not change while models read.
   * @param {Value} value
   */
  #begin({ text, about, notes, labels, models }) {
    if (this.models !== listed(models)) [this.chosen, this.second] = [0, 1];
    this.models = listed(models);
    if (this.text !== text) {
      this.heat.write(Array.from(text));
      this.text = text;
    }
    this.heat.element.setAttribute('aria-label', labels.heat);
    this.line.textContent = labels.heat_hint;
    this.running.replaceChildren();
    const left = node('div');
    const right = node('div');
    left.append(this.table, ...notes.map((note) => node('p', 'note', note)));
    right.append(node('h3', '', labels.heat), this.controls, this.heat.element, this.line, this.running);
    const columns = node('div', 'score-columns');
    columns.append(left, right);
    const shows = about ? [node('p', 'about', about)] : [];
    this.root.replaceChildren(this.verdict, ...shows, columns);
  }

  /** Whether models are still reading. */
  #isReading() {
    return this.value.cards.some((row) => row.state === 'waiting');
  }

  /** Draws the perplexity along the text, once all rows are there: each row would change the scale of all curves. */
  #run() {
    const { labels } = this.value;
    const done = this.#done();
    const drawn = sized(node('div'), (width) => (done.length ? running(done, this.#symbols(), labels, width) : []));
    this.running.replaceChildren(node('h3', '', labels.running), drawn);
  }

  /** Draws the verdict and the table. */
  #tell() {
    const { cards, text, labels, lang } = this.value;
    const rows = cards.filter((row) => row.state !== 'absent');
    const models = cards.filter((row) => row.kind === 'model');
    const box = node('div', 'verdict');
    const focused = this.verdict.contains(document.activeElement);
    if (this.#isReading()) {
      const done = models.filter((row) => row.state !== 'waiting').length;
      box.append(node('span', '', filled(labels.progress, { done, all: models.length })));
      box.append(button('stop', labels.stop, () => this.#stop()));
    } else {
      const { bold, rest } = verdict(cards, Array.from(text).length, labels);
      box.append(node('b', '', bold), ...rest.map((one) => between(lang) + one));
    }
    keepFocus(this.verdict, () => this.verdict.replaceChildren(box, node('p', 'what', labels.what)));
    if (focused && !this.#isReading()) take(this.verdict); // Stop is gone
    const folded = (/** @type {boolean} */ open) => (this.unfolded = open);
    const broken = rows.flatMap(({ why }) => (why ? [node('p', 'note', why)] : []));
    const drawn = [table(rows, labels), ...broken, figures(rows, labels, this.unfolded, folded)];
    keepFocus(this.table, () => this.table.replaceChildren(...drawn));
  }

  #stop() {
    this.held = this.value.cards.map((row) => row.state === 'waiting');
    this.stopped = this.turn;
    this.trigger('input');
    this.#tell();
    this.#run();
    this.#mark();
  }

  /** The rows that are there, with their nats. */
  #done() {
    return this.value.cards.filter((row) => row.state === 'done').map((row) => this.#unpack(row));
  }

  /** @param {Row} row */
  #unpack(row) {
    const known = this.unpacked.get(row);
    if (known) return known;
    const made = { ...row, costs: unpacked(row.nats, row.step), missing: bytes(row.where ?? '') };
    this.unpacked.set(row, made);
    return made;
  }

  /** As how many symbols each character after the first is read. */
  #symbols() {
    const { text, merged } = this.value;
    const symbols = new Uint8Array(Array.from(text).length - 1).fill(1);
    merged.forEach(([index, count]) => (symbols[index - 1] = count));
    return symbols;
  }

  /** Draws the controls of the map, and its colours. */
  #paint() {
    const { cards, labels } = this.value;
    const { first, second } = this.#compared();
    const choices = () => (first < 0 ? [] : this.#choices(first, second, labels));
    keepFocus(this.controls, () => this.controls.replaceChildren(...choices()));
    const row = first < 0 ? null : this.#unpack(cards[first]);
    const other = this.mode === 'two' && second >= 0 ? this.#unpack(cards[second]) : null;
    const levels = new Int8Array((row?.costs.length ?? 0) + 1);
    row?.costs.forEach((nats, index) => (levels[index + 1] = level(signed(nats - (other?.costs[index] ?? 0)))));
    this.heat.colour(levels, (index) => Boolean(((row?.missing[index >> 3] ?? 0) >> (index & 7)) & 1));
  }

  /** The rows whose nats are shown: those chosen, or while they are not there or the same, others; -1 without any. */
  #compared() {
    const { cards } = this.value;
    const isDone = (/** @type {number} */ index) => cards[index]?.state === 'done';
    const there = cards.map((_, index) => index).filter(isDone);
    const first = isDone(this.chosen) ? this.chosen : (there.find((index) => cards[index].kind === 'model') ?? -1);
    const isOther = this.second !== first && isDone(this.second);
    const second = isOther ? this.second : (there.find((index) => index !== first) ?? -1);
    return { first, second };
  }

  /**
   * @param {number} first
   * @param {number} second
   * @param {Record<string, string>} labels
   */
  #choices(first, second, labels) {
    const { cards } = this.value;
    const choose = (/** @type {Partial<Pick<Score, 'mode' | 'chosen' | 'second'>>} */ changed) => {
      Object.assign(this, changed);
      this.#paint();
    };
    /** @type {['one' | 'two', string][]} */
    const modes = [
      ['one', labels.mode_one],
      ['two', labels.mode_two],
    ];
    const bar = node('div', 'two');
    bar.append(segments(modes, this.mode, (mode) => choose({ mode })));
    const scale = node('p', 'scale');
    const named = this.mode === 'one' ? labels.shown : labels.two_a;
    bar.append(select(cards, named, first, (chosen) => choose({ chosen })));
    if (this.mode === 'one') {
      scale.append(node('span', '', labels.heat_scale), node('i', 'ramp'), node('span', '', labels.heat_scale_high));
    } else {
      bar.append(select(cards, labels.two_b, second, (chosen) => choose({ second: chosen })));
      scale.append(node('span', '', labels.two_less), node('i', 'ramp both'), node('span', '', labels.two_more));
    }
    if (cards[first].unknown) scale.append(node('span', 'unknown', labels.heat_unknown));
    return [bar, scale];
  }

  /**
   * Each model's probability of a character.
   * @param {number} index
   */
  #explained(index) {
    const { text, labels } = this.value;
    const said = this.#done().map((row) => {
      const nats = row.costs[index - 1];
      const places = { title: row.title, p: percent(Math.exp(-nats)), surprise: nats?.toFixed(2) };
      return node('span', row.cell, filled(labels.heat_row, places));
    });
    const name = node('b', '', visible(Array.from(text)[index]));
    return [name, ...(index === 0 ? [node('span', '', labels.heat_first)] : said)];
  }

  /** Marks scores whose text or models differ from those in the controls, and tells screen readers what is there. */
  #mark() {
    const { asked, value } = this;
    this.root.classList.remove('stale');
    this.root.querySelector('.outdated')?.remove();
    if (!value?.cards) return;
    const { text, models, labels } = value;
    if (asked && (asked.text !== text || String(asked.models) !== String(models))) {
      this.root.classList.add('stale');
      this.root.prepend(node('p', 'outdated', labels.stale));
    }
    const verdict = find(this.root, '.outdated, .verdict').textContent ?? ''; // the first of them
    this.announce(this.#isReading() ? '' : verdict);
  }
}

/** @param {number} nats */
const signed = (nats) => (nats < 0 ? -strength(-nats) : strength(nats));

/** @param {import('../shared/dom.js').Board} board */
export function mount(board) {
  new Score(board);
}

/**
 * Tells the board the values of the controls.
 * @param {string | null} text
 * @param {string[] | null} models
 */
export function tellControls(text, models) {
  const detail = { text: text || '', models: models || [] };
  document.querySelector('#scores .score-result')?.dispatchEvent(new CustomEvent('asked', { detail }));
}
