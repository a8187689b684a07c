// Draws the scores: a table; the text, with each character coloured by how improbable one model finds it, or by the
// difference of two models; and the perplexity along the text.
import {
  Carried,
  filled,
  find,
  listed,
  node,
  onLanguage,
  pointed,
  segments,
  sized,
  strength,
  tableOf,
  targetOf,
  visible,
} from '../shared/dom.js';
import { report } from '../shared/address.js';
import { running } from './running.js';

/**
 * A model's figures; the nats of each character after the first, and which characters it does not know.
 * @template {string | Float32Array} Numbers packed or not
 * @typedef {{ title: string, cell: string, figures: string[], nats: Numbers, unknown: Numbers }} Row
 */

/**
 * The scores of a text, see `result` in view.py.
 * @template {string | Float32Array} Numbers
 * @typedef {object} Result
 * @property {string} text
 * @property {Numbers} symbols as how many symbols each character after the first is read
 * @property {Row<Numbers>[]} rows
 * @property {string[]} models
 * @property {string[]} notes
 * @property {string[]} columns
 * @property {Record<string, string>} labels
 */

/** @typedef {Result<string> | { labels: Record<string, string>, rows?: undefined }} Value */
/** @typedef {Result<Float32Array>} Scored */

/**
 * Unpacks numbers that view.py packed.
 * @param {string} text
 */
export const unpacked = (text) => new Float32Array(Uint8Array.from(atob(text), (byte) => byte.charCodeAt(0)).buffer);

/**
 * @param {Result<string>} packed
 * @returns {Scored}
 */
function unpack(packed) {
  const rows = packed.rows.map((row) => ({ ...row, nats: unpacked(row.nats), unknown: unpacked(row.unknown) }));
  return { ...packed, rows, symbols: unpacked(packed.symbols) };
}

/** @param {Scored} value */
function table({ columns, rows }) {
  const lines = rows.map((row) => [row.title, ...row.figures]);
  return tableOf(columns, lines, (line, index) => {
    const { cell } = rows[index];
    line.className = cell === 'base' ? 'base' : '';
    line.children[0].className = cell;
  });
}

/**
 * The probability of a character, in percent.
 * @param {number} nats
 */
function percent(nats) {
  const p = Math.exp(-nats);
  return p >= 0.001 ? (100 * p).toFixed(1) + '%' : p.toExponential(1);
}

/**
 * Each model's probability of a character.
 * @param {Scored} value
 * @param {number} index
 */
function explained({ text, rows, labels }, index) {
  const said = rows.map((row) => {
    const nats = row.nats[index - 1];
    return node(
      'span',
      row.cell,
      filled(labels.heat_row, { title: row.title, p: percent(nats), surprise: nats.toFixed(2) }),
    );
  });
  const name = node('b', '', visible(Array.from(text)[index]));
  return [name, ...(index === 0 ? [node('span', '', labels.heat_first)] : said)];
}

/**
 * @param {string[]} titles
 * @param {string} label
 * @param {number} current
 * @param {(index: number) => void} choose
 */
function select(titles, label, current, choose) {
  const wrap = node('label', 'pick', label + ' ');
  const made = node('select');
  titles.forEach((title, index) => {
    const option = node('option', '', title);
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
  /** The present values of the controls. @type {{ text: string, models: string[] } | null} */
  asked = null;

  /** @param {import('../shared/dom.js').Board} board */
  constructor({ element, props, labels, watch }) {
    this.root = find(element, '.score-result');
    /** @type {Carried<Value>} */
    this.carried = new Carried(props, labels);
    this.root.addEventListener('asked', (event) => {
      this.asked = /** @type {CustomEvent} */ (event).detail;
      this.#mark();
    });
    watch('value', () => this.draw());
    onLanguage(this.root, () => this.draw());
    this.draw();
  }

  draw() {
    const packed = this.carried.given();
    if (!packed?.rows) {
      this.root.replaceChildren(node('p', 'empty', packed?.labels.empty ?? ''));
      return;
    }
    report('score', () => new URLSearchParams({ models: listed(packed.models), text: packed.text }).toString());
    const value = unpack(packed);
    const last = value.rows.length - 1;
    [this.chosen, this.second] = [Math.min(this.chosen, last), Math.min(this.second, last)];
    const line = node('p', 'explain', value.labels.heat_hint);
    line.setAttribute('aria-live', 'polite');
    this.root.replaceChildren(
      table(value),
      ...value.notes.map((text) => node('p', 'note', text)),
      node('h3', '', value.labels.heat),
      ...this.#controls(value),
      this.#heatMap(value, (index) => line.replaceChildren(...explained(value, index))),
      line,
      node('h3', '', value.labels.running),
      sized(node('div'), (width) => running(value, Math.min(width, 860))),
    );
    this.#mark();
  }

  /** @param {Scored} value */
  #controls(value) {
    const { labels } = value;
    const titles = value.rows.map((row) => row.title);
    const redraw = (/** @type {Partial<Pick<Score, 'mode' | 'chosen' | 'second'>>} */ changed) => {
      Object.assign(this, changed);
      this.draw();
    };
    /** @type {['one' | 'two', string][]} */
    const modes = [
      ['one', labels.mode_one],
      ['two', labels.mode_two],
    ];
    /** @type {HTMLElement[]} */
    const made = [segments(modes, this.mode, (mode) => redraw({ mode }))];
    const scale = node('p', 'scale');
    if (this.mode === 'one') {
      const entries = titles.map((title, index) => /** @type {[number, string]} */ ([index, title]));
      made.push(segments(entries, this.chosen, (chosen) => redraw({ chosen })));
      scale.append(node('span', '', labels.heat_scale), node('i', 'ramp'), node('span', '', labels.heat_scale_high));
    } else {
      const two = node('div', 'two');
      two.append(
        select(titles, labels.two_a, this.chosen, (chosen) => redraw({ chosen })),
        select(titles, labels.two_b, this.second, (second) => redraw({ second })),
      );
      made.push(two);
      scale.append(node('span', '', labels.two_less), node('i', 'ramp both'), node('span', '', labels.two_more));
    }
    if (value.rows[this.chosen].unknown.length) scale.append(node('span', 'unknown', labels.heat_unknown));
    return [...made, scale];
  }

  /**
   * The text, each character with the colour of its score; `show` shows details of the one under the pointer.
   * @param {Scored} value
   * @param {(index: number) => void} show
   */
  #heatMap(value, show) {
    const map = node('div', 'heat');
    map.tabIndex = 0;
    map.setAttribute('role', 'group');
    map.setAttribute('aria-label', value.labels.heat);
    map.append(...this.#spans(value));
    pointed(map, (event) => {
      const { index } = targetOf(event).dataset;
      if (index !== undefined) show(Number(index));
    });
    let at = 0;
    map.addEventListener('keydown', (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      map.children[at].classList.remove('at');
      at = Math.max(0, Math.min(map.children.length - 1, at + step));
      map.children[at].classList.add('at');
      show(at);
    });
    return map;
  }

  /** @param {Scored} value */
  #spans({ text, rows }) {
    const row = rows[this.chosen];
    const other = this.mode === 'two' ? rows[this.second] : null;
    const unknown = new Set(row.unknown);
    return Array.from(text, (character, index) => {
      const span = node('span', unknown.has(index) ? 'unknown' : '', character);
      if (index > 0) {
        const nats = row.nats[index - 1] - (other ? other.nats[index - 1] : 0);
        span.style.setProperty('--heat', strength(Math.abs(nats)).toFixed(3));
        if (nats < 0) span.classList.add('less');
      }
      span.dataset.index = String(index);
      return span;
    });
  }

  /** Marks scores whose text or models differ from those in the controls. */
  #mark() {
    const { asked } = this;
    const scored = this.carried.given();
    this.root.classList.remove('stale');
    this.root.querySelector('.outdated')?.remove();
    if (!asked || !scored?.rows) return;
    if (asked.text === scored.text && String(asked.models) === String(scored.models)) return;
    this.root.classList.add('stale');
    this.root.prepend(node('p', 'outdated', scored.labels.stale));
  }
}

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
