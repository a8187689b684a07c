// The three kinds of chart that figures.py makes: how each is drawn, its legend, and its text about the place under the pointer.
import { digits, estimated, gridDown, gutter, legendEntry, mark, picture, scale, wordsWide, write } from './charts.js';
import { node, shape, targetOf } from './dom.js';
import { lines } from './lines.js';

/** @typedef {import('./charts.js').Scale} Scale */
/** @typedef {{ columns: string[], rows: string[][], recipes: (string | null)[] }} Table recipes: of the rows that are runs */
/** @typedef {import('./lines.js').Lines} Lines */

/** @typedef {{ name: string, cell: string, train: number, value: number, half: number | null }} Row */

/**
 * @typedef {object} Dots
 * @property {'dots'} kind
 * @property {string} name
 * @property {string} title
 * @property {Row[]} rows
 * @property {{ label: string }} x
 * @property {{ value: string, train: string }} labels
 * @property {Table} [table]
 */

/** @typedef {{ text: string, strength: number, own: boolean, title: string }} Cell */

/**
 * @typedef {object} Matrix
 * @property {'matrix'} kind
 * @property {string} name
 * @property {string} title
 * @property {string[]} rows
 * @property {string[]} columns
 * @property {Cell[][]} cells
 * @property {{ down: string, across: string }} labels
 * @property {Table} [table]
 */

/** @typedef {Lines | Dots | Matrix} Chart */

/**
 * A chart that is drawn: its picture, its legend, a function that returns the text about the place under the pointer, or
 * null, and for lines one that returns the text about the place some steps to the right of the present one, and one that
 * tells a slider where it is.
 * @typedef {object} Drawn
 * @property {SVGSVGElement} svg
 * @property {HTMLElement[]} entries
 * @property {(event: PointerEvent) => HTMLElement[] | null} read
 * @property {(by: number) => HTMLElement[]} [step]
 * @property {(control: Element) => void} [tell]
 */

const KEY = { width: 34, height: 12 };

/**
 * @param {Chart} chart
 * @param {number} width
 * @param {number} axis the index of the chosen axis; only for lines
 * @returns {Drawn}
 */
export function draw(chart, width, axis) {
  if (chart.kind === 'lines') return lines(chart, width, axis);
  return chart.kind === 'dots' ? dots(chart, width) : matrix(chart, width);
}

/**
 * One row for each value: training (a ring), held-out (a dot) and its interval.
 * @param {Dots} chart
 * @param {number} width
 * @returns {Drawn}
 */
function dots(chart, width) {
  const names = chart.rows.map((row) => row.name);
  const left = gutter(names, width);
  const right = width - 60;
  const step = 34;
  const high = chart.rows.length * step + 52;
  const svg = picture('chart', width, high, `${chart.title}. ${chart.x.label}`);
  const values = chart.rows.flatMap((row) => [row.value - (row.half || 0), row.value + (row.half || 0), row.train]);
  const x = scale(values, left, right, true);
  gridDown(svg, x, { top: 8, bottom: high - 38, numbers: high - 22 });
  write(svg, chart.x.label, (left + right) / 2, high - 4, 'middle');
  chart.rows.forEach((row, index) => svg.append(rowOf(row, index, { x, width, step })));
  const entries = [
    legendEntry('base', chart.labels.train, KEY, (sample) => sample.append(mark(0, 17, 6, 4, false))),
    legendEntry('base', chart.labels.value, KEY, (sample) => sample.append(mark(0, 17, 6, 5, true))),
  ];
  return { svg, entries, read: (event) => readDots(chart, event) };
}

/**
 * @param {Row} row
 * @param {number} index
 * @param {{ x: Scale, width: number, step: number }} place
 */
function rowOf(row, index, { x, width, step }) {
  const y = 24 + index * step;
  const half = row.half || 0;
  const group = shape('g', { class: row.cell, 'data-row': index });
  group.append(shape('rect', { x: 0, y: y - step / 2, width, height: step, class: 'touched' })); // the pointer may be anywhere in the row
  write(group, row.name, 0, y + 4, 'start', 'ink');
  group.append(shape('line', { x1: x.at(row.train), x2: x.at(row.value), y1: y, y2: y, class: 'thread' }));
  const ends = { x1: x.at(Math.max(row.value - half, x.least)), x2: x.at(row.value + half) };
  if (half) group.append(shape('line', { ...ends, y1: y, y2: y, class: 'interval' }));
  group.append(mark(0, x.at(row.train), y, 4, false), mark(0, x.at(row.value), y, 6, true));
  write(group, digits(row.value), x.at(row.value + half) + 11, y + 4, 'start', 'ink');
  return group;
}

/**
 * The values of the row of dots under the pointer.
 * @param {Dots} chart
 * @param {PointerEvent} event
 */
function readDots({ rows, labels }, event) {
  const place = /** @type {SVGElement | null} */ (targetOf(event).closest('[data-row]'));
  if (!place) return null;
  const row = rows[Number(place.dataset.row)];
  const value = estimated(row.value, row.half);
  const said = [`${labels.value} ${value}`, `${labels.train} ${digits(row.train)}`];
  return [node('b', row.cell, row.name), ...said.map((text) => node('span', '', text))];
}

/**
 * Rows x columns; the text in a cell and its colour show the same number.
 * @param {Matrix} chart
 * @param {number} width
 * @returns {Drawn}
 */
function matrix(chart, width) {
  const left = gutter([...chart.rows, chart.labels.down], width);
  const step = 38;
  const across = (width - left) / chart.columns.length;
  const tight = Math.max(...chart.columns.map((name) => wordsWide(name))) > across - 6; // then every second name is higher
  const top = tight ? 60 : 44;
  const svg = picture('chart', width, top + chart.rows.length * step + 4, chart.title);
  write(svg, chart.labels.down, 0, 14);
  write(svg, chart.labels.across, left, 14);
  chart.columns.forEach((name, column) => {
    write(svg, name, left + (column + 0.5) * across, top - 8 - (tight && column % 2 ? 16 : 0), 'middle', 'ink');
  });
  chart.rows.forEach((name, row) => {
    const y = top + row * step;
    write(svg, name, 0, y + 24, 'start', 'ink');
    chart.cells[row].forEach((cell, column) => {
      const box = { x: left + column * across + 1, y: y + 1, width: across - 2, height: step - 2, rx: 4 };
      const group = shape('g', { 'data-row': row, 'data-column': column });
      const whole = { x: left + column * across, y, width: across, height: step };
      group.append(shape('rect', { ...whole, class: 'touched' })); // the pointer may be between two cells
      const coloured = shape('rect', { ...box, class: 'cell' });
      coloured.style.setProperty('--heat', cell.strength.toFixed(3));
      group.append(coloured);
      if (cell.own) group.append(shape('rect', { ...box, class: 'own' }));
      write(group, cell.text, left + (column + 0.5) * across, y + 24, 'middle', 'ink');
      svg.append(group);
    });
  });
  return { svg, entries: [], read: (event) => readMatrix(chart, event) };
}

/**
 * The values of the cell of a matrix under the pointer.
 * @param {Matrix} chart
 * @param {PointerEvent} event
 */
function readMatrix(chart, event) {
  const cell = /** @type {SVGElement | null} */ (targetOf(event).closest('[data-column]'));
  if (!cell) return null;
  const [row, column] = [Number(cell.dataset.row), Number(cell.dataset.column)];
  return [
    node('b', '', `${chart.rows[row]} → ${chart.columns[column]}`),
    node('span', '', chart.cells[row][column].title),
  ];
}
