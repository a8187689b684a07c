// A figure: a choice of charts and axes, the numbers under the pointer, a table of all numbers, and files.
import { button, node, pointed, save, segments, sized, tableOf } from './dom.js';
import { csvOf, savePng, standalone } from './export.js';
import { draw } from './kinds.js';

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
 * @param {string} title the heading in its files
 */
export function figure(charts, key, labels, title) {
  const state = states.get(key) ?? { chosen: 0, axis: 0, open: false };
  states.set(key, state);
  return sized(node('figure', 'figure'), (width, redraw) => {
    const { chosen, axis } = state;
    const chart = charts[chosen];
    const { svg, entries, read } = draw(chart, width, axis);
    const bar = barOf(charts, chosen, axis, (which, along) => {
      Object.assign(state, { chosen: which, axis: along });
      redraw();
    });
    const legend = node('div', 'legend');
    legend.append(...entries);
    const readout = node('p', 'explain', labels.readout);
    pointed(svg, (event) => {
      const said = read(event);
      if (said) readout.replaceChildren(...said);
    });
    const files = filesOf(`${key}-${chosen + 1}`, labels, chart, () =>
      standalone(svg, `${title} · ${chart.name}`, entries),
    );
    if (!chart.table) return [bar, svg, legend, readout, files];
    const fold = node('details');
    fold.open = state.open;
    fold.addEventListener('toggle', () => (state.open = fold.open));
    fold.append(node('summary', '', labels.table), tableOf(chart.table.columns, chart.table.rows));
    return [bar, svg, legend, readout, fold, files];
  });
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
