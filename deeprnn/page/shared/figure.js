// A figure: a choice of charts and axes, the numbers under the pointer, a table of all numbers, and files.
import { button, keepFocus, node, pointed, save, segments, tableOf, walked } from './dom.js';
import { csvOf, savePng, standalone } from './export.js';
import { draw } from './kinds.js';
import { sized } from './sized.js';

/** @typedef {import('./kinds.js').Chart} Chart */
/** @typedef {Record<'readout' | 'svg' | 'png' | 'csv' | 'table', string>} Labels */

/**
 * The reader's choices in each figure, by its key; they are kept when the figure is made again in another language.
 * @type {Map<string, { chosen: number, axis: number, open: boolean }>}
 */
const states = new Map();

/**
 * @param {Chart[]} charts
 * @param {string} key the name of its files
 * @param {Labels} labels
 * @param {string} heading of its section, in its files
 */
export function figure(charts, key, labels, heading) {
  const state = states.get(key) ?? { chosen: 0, axis: 0, open: false };
  states.set(key, state);
  const place = node('figure', 'figure');
  return sized(place, (width, redraw) => {
    const { chosen, axis } = state;
    const chart = charts[chosen];
    const drawn = draw(chart, width, axis);
    const bar = barOf(charts, chosen, axis, (which, along) => {
      Object.assign(state, { chosen: which, axis: along });
      keepFocus(place, redraw);
    });
    const legend = node('div', 'legend');
    legend.append(...drawn.entries);
    const titles = { title: chart.title, about: [heading, chart.name].join(' · ') };
    const files = filesOf(`${key}-${chosen + 1}`, labels, chart, () => standalone(drawn.svg, titles, drawn.entries));
    const made = [bar, node('figcaption', '', chart.title), drawn.svg, readoutOf(drawn, labels.readout), legend];
    return chart.table ? [...made, tableFold(chart.table, state, labels.table), files] : [...made, files];
  });
}

/**
 * The line that says what is under the pointer. A chart of lines is a slider through its places.
 * @param {import('./kinds.js').Drawn} drawn
 * @param {string} hint
 */
function readoutOf({ svg, read, step, tell }, hint) {
  const readout = node('p', 'explain');
  const say = (/** @type {HTMLElement[] | null} */ said) => {
    if (said) readout.replaceChildren(...said, ...(step ? [node('span', 'base', hint)] : []));
    tell?.(svg);
  };
  say(step ? step(0) : [node('span', 'base', hint)]);
  pointed(svg, (event) => say(read(event)));
  if (!step) return readout;
  svg.setAttribute('tabindex', '0');
  walked(svg, (by) => say(step(by)));
  return readout;
}

/**
 * @param {import('./kinds.js').Table} table
 * @param {{ open: boolean }} state
 * @param {string} label
 */
function tableFold({ columns, rows, recipes }, state, label) {
  const fold = node('details');
  fold.open = state.open;
  fold.addEventListener('toggle', () => (state.open = fold.open));
  const dress = (/** @type {HTMLElement} */ line, /** @type {number} */ index) => {
    const recipe = recipes[index];
    if (recipe) line.firstElementChild?.append(node('small', 'recipe', recipe));
  };
  fold.append(node('summary', '', label), tableOf(columns, rows, dress));
  return fold;
}

/**
 * The buttons that choose a chart and an axis, if there are several.
 * @param {Chart[]} charts
 * @param {number} chosen
 * @param {number} axis
 * @param {(chosen: number, axis: number) => void} choose
 */
function barOf(charts, chosen, axis, choose) {
  const bar = node('div', 'bar');
  const numbered = (/** @type {string[]} */ names) =>
    names.map((name, index) => /** @type {[number, string]} */ ([index, name]));
  const names = charts.map((one) => one.name);
  if (names.length > 1) bar.append(segments(numbered(names), chosen, (picked) => choose(picked, 0)));
  const chart = charts[chosen];
  const axes = chart.kind === 'lines' ? chart.xs : [];
  if (axes.length > 1) bar.append(segments(numbered(axes), axis, (picked) => choose(chosen, picked)));
  return bar;
}

/**
 * @param {string} name
 * @param {Labels} labels
 * @param {Chart} chart
 * @param {() => { text: string, width: number, height: number }} picture
 */
function filesOf(name, labels, chart, picture) {
  const files = node('div', 'tools');
  files.append(
    button('', labels.svg, () => save(name + '.svg', 'image/svg+xml', picture().text)),
    button('', labels.png, () => savePng(picture(), name + '.png')),
    button('', labels.csv, () => save(name + '.csv', 'text/csv', '\ufeff' + csvOf(chart))),
  );
  return files;
}
