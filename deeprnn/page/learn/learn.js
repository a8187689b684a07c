// Draws the Learn view (see view.py): sections with pictures, code, tables, equations and figures.
import { listen, report } from '../shared/address.js';
import { code } from '../shared/code.js';
import { Carried, arriveAt, find, node, onLanguage, tableOf, whenSeen } from '../shared/dom.js';
import { figure } from '../shared/figure.js';
import { explained } from '../shared/term.js';
import { written } from './equation.js';
import { pair, stackPicture } from './stack.js';

/** @typedef {[string, import('../shared/code.js').Pieces][]} Code titles and sources */
/** @typedef {import('../shared/figure.js').Labels & import('./stack.js').Labels & import('../shared/code.js').Labels & { contents: string }} Labels */

/**
 * @typedef {object} Section
 * @property {string} key
 * @property {string} title
 * @property {string} text paragraphs in lines; terms are marked (see term.js)
 * @property {boolean} [picture] whether the stack is drawn
 * @property {string[]} [pair] titles of the right and the wrong picture
 * @property {Code} [code]
 * @property {string[][]} [table] the first row is its head
 * @property {[string, string][]} [equations] of the cells
 * @property {{ title: string, text: string, code: Code }} [fold]
 * @property {string} [answer]
 * @property {import('../shared/kinds.js').Chart} [figure]
 * @property {{ asked: string, links: [string, string][] }[]} [exercises]
 */

/** @typedef {{ sections: Section[], glossary: import('../shared/term.js').Glossary, labels: Labels, note: string }} Value */

/** The keys of the sections whose fold is open. @type {Set<string>} */
const unfolded = new Set();

/**
 * @param {Code} entries
 * @param {Labels} labels
 */
function codes(entries, labels) {
  const made = node('div', 'codes');
  entries.forEach(([title, pieces]) => {
    const one = node('div');
    if (title) one.append(node('h4', '', title));
    one.append(code(pieces, labels));
    made.append(one);
  });
  return made;
}

/**
 * @param {string} text
 * @param {import('../shared/term.js').Glossary} glossary
 */
function words(text, glossary) {
  const made = node('div', 'text');
  text.split('\n').forEach((line) => {
    const paragraph = node('p');
    paragraph.append(...explained(line, glossary));
    made.append(paragraph);
  });
  return made;
}

/** @param {[string, string][]} entries */
function equations(entries) {
  const made = node('div', 'cells');
  entries.forEach(([title, text]) => {
    const one = node('div', 'figure');
    one.append(node('h4', '', title), written(text));
    made.append(one);
  });
  return made;
}

/** @param {NonNullable<Section['exercises']>} entries */
function exercises(entries) {
  const made = node('ul', 'exercises');
  entries.forEach(({ asked, links }) => {
    const one = node('li');
    if (asked) one.append(node('p', '', asked));
    const line = node('p', 'links');
    links.forEach(([text, address]) => {
      const link = node('a', '', text);
      link.href = address;
      if (!address.startsWith('?')) link.target = '_blank';
      line.append(link);
    });
    one.append(line);
    made.append(one);
  });
  return made;
}

/**
 * @param {NonNullable<Section['fold']>} one
 * @param {Value} value
 * @param {string} key of its section
 */
function fold(one, { glossary, labels }, key) {
  const made = node('details', 'fold');
  made.open = unfolded.has(key);
  made.addEventListener('toggle', () => (made.open ? unfolded.add(key) : unfolded.delete(key)));
  made.append(node('summary', '', one.title), words(one.text, glossary));
  if (one.code.length) made.append(codes(one.code, labels));
  return made;
}

/**
 * @param {Section} one
 * @param {Value} value
 * @param {import('./stack.js').Choice} choice
 */
function section(one, value, choice) {
  const { glossary, labels } = value;
  const made = node('section', 'experiment');
  made.id = 'learn-' + one.key;
  const shown = node('div', 'shown');
  if (one.pair) shown.append(pair(one.pair, labels));
  if (one.picture) shown.append(stackPicture(choice, labels));
  if (one.code) shown.append(codes(one.code, labels));
  if (one.table) shown.append(tableOf(one.table[0], one.table.slice(1)));
  if (one.equations) shown.append(equations(one.equations));
  if (one.exercises) shown.append(exercises(one.exercises));
  if (one.figure) {
    const drawn = node('div', 'beside');
    if (one.answer) drawn.append(node('p', 'verdict', one.answer));
    drawn.append(figure([one.figure], 'learn-' + one.key, labels, one.title));
    shown.append(drawn);
  }
  made.append(node('h2', '', one.title), words(one.text, glossary), shown);
  if (one.fold) made.append(fold(one.fold, value, one.key));
  return made;
}

/** @param {Value} value */
function contents({ sections, labels }) {
  const made = node('nav', 'contents');
  made.setAttribute('aria-label', labels.contents);
  sections.forEach(({ key, title }) => {
    const link = node('a', '', title);
    link.href = `?view=learn&section=${key}`;
    made.append(link);
  });
  return made;
}

/**
 * Scrolls to a section as soon as the view is open, such as that of `?view=learn&section=note`.
 * @param {HTMLElement} root
 * @param {string | null} key
 */
function reveal(root, key) {
  const wanted = /** @type {HTMLElement | null} */ (root.querySelector('#learn-' + CSS.escape(key ?? '')));
  if (wanted) whenSeen(root, () => arriveAt(wanted));
}

/** @param {import('../shared/dom.js').Board} board */
export function mount({ element, props, labels, watch }) {
  const root = find(element, '.learn');
  /** @type {Carried<Value>} */
  const carried = new Carried(props, labels);
  /** @type {import('./stack.js').Choice} */
  const choice = { wiring: 'right', touched: { layer: 2, t: 3 } };
  const draw = () => {
    const value = carried.given();
    if (!value) return;
    root.replaceChildren(contents(value), ...value.sections.map((one) => section(one, value, choice)));
    if (value.note) root.append(node('p', 'note', value.note));
  };
  draw();
  watch('value', draw);
  onLanguage(root, draw);
  const follow = (/** @type {string} */ query) => {
    report('learn', () => '');
    const params = new URLSearchParams(query);
    if (params.get('view') === 'learn') reveal(root, params.get('section'));
  };
  listen('learn', (_, { query }) => follow(query));
  follow(location.search);
}
