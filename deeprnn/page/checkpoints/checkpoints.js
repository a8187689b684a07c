// Draws the table of checkpoints by question, or sorted by a column, and the card of the chosen one beside it.
import { listen, report } from '../shared/address.js';
import { Carried, button, find, listed, node, onLanguage, spoken, take, whenSeen } from '../shared/dom.js';
import { details, download } from './details.js';

/**
 * A checkpoint; each cell has its text and its sort key. The first cell is the title.
 * @typedef {object} Row
 * @property {string} name
 * @property {string} cell
 * @property {string} words by which it is found, besides its name and its cells
 * @property {{ text: string, sort: string | number }[]} cells
 */

/** @typedef {{ title: string, asked: string, rows: Row[] }} Group */

/**
 * @typedef {object} Value
 * @property {string[]} columns
 * @property {Group[]} groups
 * @property {string[]} left_out sentences that say why checkpoints are missing
 * @property {Record<string, string>} labels
 */

const VIEW = 'checkpoints';
const WIDE = '(min-width: 1100px)'; // the card is beside the table, else below its row

/**
 * The rows that contain all words of `wanted`.
 * @param {Row[]} rows
 * @param {string} wanted
 */
export function matching(rows, wanted) {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter((row) => {
    const text = [row.name, row.words, ...row.cells.map((cell) => cell.text)].join(' ').toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/**
 * The rows sorted by a column.
 * @param {Row[]} rows
 * @param {number} column
 * @param {boolean} descending
 */
export function ordered(rows, column, descending) {
  const by = (/** @type {Row} */ row) => row.cells[column].sort;
  return [...rows].sort((a, b) => (by(a) < by(b) ? -1 : by(a) > by(b) ? 1 : 0) * (descending ? -1 : 1));
}

/**
 * The first model that an address of this view names.
 * @param {string} query
 */
export function asked(query) {
  const params = new URLSearchParams(query);
  const [first] = (params.get('models') ?? '').split(',');
  return params.get('view') === VIEW && first ? first.replace(/%2C/gi, ',').replace(/%25/g, '%') : null;
}

class Checkpoints {
  /** The column by which all rows are sorted; null: by question. @type {number | null} */
  sorted = null;
  descending = false;
  wanted = '';
  /** @type {string | null} */
  chosen = null;
  /** Cards in both languages, as they come from the server. @type {Map<string, object>} */
  cards = new Map();
  tools = node('div', 'tools');
  frame = node('div', 'models');
  missing = node('div', 'left-out');
  details = node('aside', 'details');
  beside = node('div', 'beside');
  wide = window.matchMedia(WIDE);

  /** @param {import('../shared/dom.js').Board} board */
  constructor({ element, props, labels, server, watch }) {
    this.server = server;
    /** @type {Carried<Value>} */
    this.carried = new Carried(props, labels);
    this.details.id = 'model-card';
    this.beside.append(this.frame, this.details);
    const root = find(element, '.checkpoints');
    root.replaceChildren(this.tools, this.beside, this.missing);
    watch('value', () => this.draw());
    onLanguage(root, () => this.draw());
    this.wide.addEventListener('change', () => this.#place());
    this.#drawMissing();
    this.#drawTools();
    listen(VIEW, (_, { query }) => this.#follow(query));
    this.#follow(window.location.search);
  }

  get value() {
    return this.carried.given();
  }

  draw() {
    if (!this.value) return;
    this.#drawMissing();
    this.#drawTools();
    this.#drawTable();
    this.#drawDetails();
  }

  #drawTable() {
    const groups = this.#groups();
    if (!groups.length) {
      this.frame.replaceChildren(node('p', 'empty', this.value.labels.none));
      return;
    }
    const made = node('table', 'scores');
    const head = node('thead');
    head.append(this.#head());
    made.append(head, ...groups.map((group) => this.#body(group)));
    this.frame.replaceChildren(made);
    this.#place();
  }

  /** What is shown: the questions with the rows that are wanted, or all those rows sorted, without a heading. */
  #groups() {
    const { groups } = this.value;
    if (this.sorted === null) {
      const found = groups.map((group) => ({ ...group, rows: matching(group.rows, this.wanted) }));
      return found.filter((group) => group.rows.length);
    }
    const rows = groups.flatMap((group) => matching(group.rows, this.wanted));
    return rows.length ? [{ title: '', asked: '', rows: ordered(rows, this.sorted, this.descending) }] : [];
  }

  #head() {
    const head = node('tr');
    this.value.columns.forEach((column, index) => {
      const cell = node('th');
      const is = index === this.sorted;
      cell.scope = 'col';
      cell.setAttribute('aria-sort', !is ? 'none' : this.descending ? 'descending' : 'ascending');
      const arrow = !is ? '' : this.descending ? ' ↓' : ' ↑';
      cell.append(button('sort', column + arrow, () => this.#sort(index, is && !this.descending)));
      head.append(cell);
    });
    return head;
  }

  /**
   * @param {number | null} column
   * @param {boolean} descending
   */
  #sort(column, descending) {
    this.sorted = column;
    this.descending = descending;
    this.#drawTools();
    this.#drawTable();
    const heads = this.frame.querySelectorAll('.sort');
    /** @type {HTMLElement | undefined} */ (heads[column ?? 0])?.focus();
  }

  /** @param {Group} group */
  #body({ title, asked, rows }) {
    const body = node('tbody');
    if (title) {
      const line = node('tr', 'group');
      const cell = node('th', '', title);
      cell.scope = 'rowgroup';
      cell.colSpan = this.value.columns.length;
      if (asked) cell.append(node('small', '', asked));
      line.append(cell);
      body.append(line);
    }
    body.append(...rows.map((row) => this.#line(row)));
    return body;
  }

  /** @param {Row} row */
  #line(row) {
    const isChosen = row.name === this.chosen;
    const line = node('tr', isChosen ? 'chosen' : '');
    line.dataset.model = row.name;
    const [title, ...others] = row.cells;
    const first = node('th');
    const named = node('div', 'named');
    first.scope = 'row';
    const open = button('name', title.text, () => this.#choose(isChosen ? null : row.name));
    open.setAttribute('aria-expanded', String(isChosen));
    open.setAttribute('aria-controls', this.details.id);
    named.append(node('i', `mark ${row.cell}`), open);
    if (!title.text.includes(row.name)) named.append(node('small', 'recipe', row.name));
    first.append(named);
    line.append(first, ...others.map((cell) => node('td', '', cell.text)));
    line.addEventListener('click', (event) => {
      if (!(/** @type {Element} */ (event.target).closest('button'))) this.#choose(row.name);
    });
    return line;
  }

  /** @param {string} query of an address; a name that it should not have is left out */
  #follow(query) {
    const name = asked(query);
    const isKnown = this.value.groups.some(({ rows }) => rows.some((row) => row.name === name));
    this.#choose(isKnown ? name : null);
    if (isKnown) whenSeen(this.frame, () => this.#row(name)?.scrollIntoView({ block: 'nearest' }));
  }

  /** @param {string | null} name */
  async #choose(name) {
    const focused = this.frame.contains(document.activeElement) || this.details.contains(document.activeElement);
    const before = this.chosen;
    this.chosen = name;
    report(VIEW, () => (this.chosen === null ? '' : `models=${encodeURIComponent(listed([this.chosen]))}`));
    this.#drawTable();
    this.#drawDetails();
    if (focused && name && this.wide.matches) take(this.details);
    else if (focused) this.#row(name ?? before)?.querySelector('button')?.focus({ preventScroll: true });
    if (!name || this.cards.has(name)) return;
    try {
      const card = await this.server.model_card({ name });
      if (Object.keys(card).length) this.cards.set(name, card);
    } catch {
      // it is asked for again when it is chosen again
    }
    if (this.chosen === name) this.#drawDetails(true);
  }

  /** @param {string | null} name */
  #row(name) {
    return name === null ? null : this.frame.querySelector(`tr[data-model="${CSS.escape(name)}"]`);
  }

  /** @param {boolean} [came] whether the server has answered */
  #drawDetails(came = false) {
    const { labels } = this.value;
    const card = this.chosen === null ? null : this.cards.get(this.chosen);
    this.details.setAttribute('aria-label', labels.details);
    this.details.classList.toggle('waiting', this.chosen !== null && !card && !came);
    if (card) {
      this.details.replaceChildren(...details(spoken(card), labels, () => this.#choose(null)));
    } else if (this.chosen === null || came) {
      this.details.replaceChildren(node('p', 'empty', came ? labels.failed : labels.choose));
    }
    this.#place();
  }

  /** Puts the card beside the table, or below the row of its model. */
  #place() {
    const row = this.wide.matches ? null : this.#row(this.chosen);
    this.frame.querySelector('tr.card')?.remove();
    this.details.hidden = !this.wide.matches && !row;
    if (!row) {
      if (this.details.parentElement !== this.beside) this.beside.append(this.details); // moved, it would lose the focus
      return;
    }
    const line = node('tr', 'card');
    const cell = node('td');
    cell.colSpan = this.value.columns.length;
    cell.append(this.details);
    line.append(cell);
    row.after(line);
  }

  #drawTools() {
    const { labels } = this.value;
    const wrap = node('label', 'pick', labels.filter + ' ');
    const field = node('input');
    field.type = 'search';
    field.value = this.wanted;
    field.placeholder = labels.hint;
    field.addEventListener('input', () => {
      this.wanted = field.value;
      this.#drawTable();
    });
    wrap.append(field);
    const grouped = button('', labels.by_question, () => this.#sort(null, false));
    grouped.hidden = this.sorted === null;
    this.tools.replaceChildren(wrap, grouped, download('all', labels.all));
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
