// Draws the Learn view (see view.py): sections with a picture, code, a table or a figure.
import { Carried, find, node, onLanguage, tableOf } from '../shared/dom.js';
import { figure } from '../shared/figure.js';
import { stackPicture } from './stack.js';

/**
 * @typedef {object} Section
 * @property {string} key
 * @property {string} title
 * @property {string} text
 * @property {boolean} [picture] whether the stack is drawn
 * @property {string} [answer]
 * @property {[string, string][]} [code] titles and sources
 * @property {string[][]} [table] the first row is its head
 * @property {import('../shared/kinds.js').Chart} [figure]
 */

/** @typedef {import('../shared/figure.js').Labels & import('./stack.js').Labels} Labels */
/** @typedef {{ sections: Section[], labels: Labels, note: string }} Value */

/** @param {[string, string][]} entries */
function code(entries) {
  const made = node('div', 'codes');
  entries.forEach(([title, source]) => {
    const one = node('div', 'code');
    if (title) one.append(node('h4', '', title));
    const block = node('pre');
    block.tabIndex = 0;
    block.append(node('code', '', source));
    one.append(block);
    made.append(one);
  });
  return made;
}

/**
 * @param {Section} one
 * @param {Labels} labels
 * @param {import('./stack.js').Choice} choice
 */
function section(one, labels, choice) {
  const made = node('section', 'experiment');
  made.id = 'learn-' + one.key;
  made.append(node('h2', '', one.title), node('p', 'text', one.text));
  if (one.picture) made.append(stackPicture(choice, labels));
  if (one.answer) made.append(node('p', 'verdict', one.answer));
  if (one.code) made.append(code(one.code));
  if (one.table) {
    const [head, ...rows] = one.table;
    const scroll = node('div', 'scroll');
    scroll.append(tableOf(head, rows));
    made.append(scroll);
  }
  if (one.figure) made.append(figure([one.figure], 'learn-' + one.key, labels, one.title));
  return made;
}

/** @param {import('../shared/dom.js').Board} board */
export function mount({ element, props, labels, watch }) {
  const root = find(element, '.learn');
  /** @type {Carried<Value>} */
  const carried = new Carried(props, labels);
  /** @type {import('./stack.js').Choice} */
  const choice = { wiring: 'right', touched: { layer: 2, t: 3 } };
  const draw = () => {
    const { sections, labels, note } = carried.given();
    root.replaceChildren(...sections.map((one) => section(one, labels, choice)));
    if (note) root.append(node('p', 'note', note));
  };
  draw();
  watch('value', draw);
  onLanguage(root, draw);
}
