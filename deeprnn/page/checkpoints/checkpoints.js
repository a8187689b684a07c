// Draws the table of checkpoints: a click on a column's head sorts it, typing filters it.
import { Carried, between, button, copy, find, listed, node, onLanguage } from '../shared/dom.js';

/**
 * A checkpoint; each cell has its text and its sort key.
 * @typedef {object} Row
 * @property {string} name
 * @property {string} title
 * @property {string} cell
 * @property {{ text: string, sort: string | number }[]} cells
 * @property {string} sha256
 * @property {string} code
 */

/**
 * @typedef {object} Value
 * @property {string[]} columns
 * @property {Row[]} rows
 * @property {string[]} left_out sentences that say why checkpoints are missing
 * @property {string} [chosen]
 * @property {Record<string, string>} labels
 * @property {string} lang
 */

/**
 * The rows that contain all words of `wanted`, sorted by a column.
 * @param {Row[]} rows
 * @param {string} wanted
 * @param {number} column
 * @param {boolean} descending
 */
export function ordered(rows, wanted, column, descending) {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  const found = rows.filter((row) => {
    const text = [row.title, ...row.cells.map((cell) => cell.text)].join(' ').toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const by = (/** @type {Row} */ row) => row.cells[column].sort;
  return found.sort((a, b) => (by(a) < by(b) ? -1 : by(a) > by(b) ? 1 : 0) * (descending ? -1 : 1));
}

/**
 * @param {string} file
 * @param {string} text
 */
function link(file, text) {
  const made = node('a', 'download', text);
  made.href = 'download/' + encodeURIComponent(file);
  made.download = '';
  return made;
}

class Checkpoints {
  sorted = 0;
  descending = false;
  wanted = '';
  /** @type {string | null} */
  chosen = null;
  tools = node('div', 'tools');
  frame = node('div', 'scroll');
  missing = node('div', 'left-out');
  details = node('div', 'details');

  /** @param {import('../shared/dom.js').Board} board */
  constructor({ element, props, labels, trigger, watch }) {
    this.trigger = trigger;
    /** @type {Carried<Value>} */
    this.carried = new Carried(props, labels);
    this.frame.tabIndex = 0;
    this.details.setAttribute('aria-live', 'polite');
    const root = find(element, '.checkpoints');
    root.replaceChildren(this.tools, this.frame, this.missing, this.details);
    watch('value', () => this.draw());
    onLanguage(root, () => this.draw());
    this.draw();
  }

  get value() {
    return this.carried.given();
  }

  draw() {
    const { value } = this;
    if (!value) return;
    this.#drawMissing();
    if (value.chosen) this.chosen = value.chosen;
    this.#drawTools();
    this.#drawTable();
    this.#drawDetails();
  }

  #drawTable() {
    const rows = ordered(this.value.rows, this.wanted, this.sorted, this.descending);
    if (!rows.length) {
      this.frame.replaceChildren(node('p', 'empty', this.value.labels.none));
      return;
    }
    const made = node('table', 'scores');
    const head = node('thead');
    const body = node('tbody');
    head.append(this.#head());
    body.append(...rows.map((row) => this.#line(row)));
    made.append(head, body);
    this.frame.replaceChildren(made);
  }

  #head() {
    const head = node('tr');
    this.value.columns.forEach((column, index) => {
      const cell = node('th');
      const is = index === this.sorted;
      cell.scope = 'col';
      cell.setAttribute('aria-sort', !is ? 'none' : this.descending ? 'descending' : 'ascending');
      const sort = button('sort', column + (!is ? '' : this.descending ? ' ↓' : ' ↑'), () => {
        this.descending = is && !this.descending;
        this.sorted = index;
        this.#drawTable();
        /** @type {HTMLElement} */ (this.frame.querySelectorAll('.sort')[index]).focus();
      });
      cell.append(sort);
      head.append(cell);
    });
    return head;
  }

  /** @param {Row} row */
  #line(row) {
    const line = node('tr', row.name === this.chosen ? 'chosen' : '');
    row.cells.forEach((cell, index) => {
      if (index) {
        line.append(node('td', index === 1 ? row.cell : '', cell.text));
        return;
      }
      const made = node('th');
      made.scope = 'row';
      made.append(button('name', cell.text, () => this.#choose(row.name)));
      line.append(made);
    });
    return line;
  }

  /** @param {string} name */
  #choose(name) {
    this.chosen = name;
    this.#drawTable();
    this.#drawDetails();
    this.trigger('select', { index: 0, value: name });
    this.details.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
  }

  #drawDetails() {
    const { rows, labels, lang } = this.value;
    const row = rows.find((one) => one.name === this.chosen);
    if (!row) {
      this.details.replaceChildren(node('p', 'empty', labels.choose));
      return;
    }
    const files = node('p', 'files');
    const compare = node('a', 'download', labels.compare);
    compare.href = '?view=compare&models=' + encodeURIComponent(listed([row.name]));
    files.append(link(row.name + '.safetensors', labels.weights), link(row.name + '.zip', labels.folder), compare);
    const hash = node('p', 'hash', labels.sha + between(lang));
    hash.append(node('code', '', row.sha256));
    const code = node('pre');
    code.append(node('code', '', row.code));
    const copying = button('copy', labels.copy, () => copy(row.code, copying, labels.link_copied));
    const title = node('h3', '', row.title);
    this.details.replaceChildren(title, files, hash, node('p', '', labels.load), code, copying);
  }

  #drawTools() {
    const { labels } = this.value;
    const wrap = node('label', 'pick', labels.filter + ' ');
    const field = node('input');
    field.type = 'search';
    field.value = this.wanted;
    field.addEventListener('input', () => {
      this.wanted = field.value;
      this.#drawTable();
    });
    wrap.append(field);
    this.tools.replaceChildren(wrap, link('all', labels.all));
  }

  #drawMissing() {
    const { left_out: reasons, labels } = this.value;
    this.missing.replaceChildren();
    if (!reasons.length) return;
    const list = node('ul');
    list.append(...reasons.map((reason) => node('li', '', reason)));
    this.missing.append(node('p', '', labels.left_out), list);
  }
}

/** @param {import('../shared/dom.js').Board} board */
export function mount(board) {
  new Checkpoints(board);
}
