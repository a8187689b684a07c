// The three kinds of chart that figures.py makes: how each is drawn, its legend, and its text about the place under the pointer.
import {
  curve,
  curveSample,
  digits,
  gridAcross,
  gridDown,
  gutter,
  legendEntry,
  picture,
  scale,
  ticks,
  wordsWide,
  write,
} from './charts.js';
import { node, shape, targetOf } from './dom.js';

/** @typedef {import('./charts.js').Scale} Scale */
/** @typedef {{ columns: string[], rows: string[][] }} Table */

/**
 * A curve; a point is [x on each of the axes ..., y, half width of its interval or null].
 * @typedef {object} Series
 * @property {string} name
 * @property {string} cell
 * @property {number} dash
 * @property {(number | null)[][]} points
 * @property {boolean} [dots]
 * @property {boolean} [thin]
 */

/**
 * @typedef {object} Lines
 * @property {'lines'} kind
 * @property {string} name
 * @property {Series[]} series
 * @property {string[]} xs what each axis counts
 * @property {boolean} log_x
 * @property {number[]} ticks on the axis; [] for the default
 * @property {string} y
 * @property {{ name: string, y: number }[]} rules horizontal lines with a name
 * @property {Table} [table]
 */

/** @typedef {{ name: string, cell: string, train: number, value: number, half: number | null }} Row */

/**
 * @typedef {object} Dots
 * @property {'dots'} kind
 * @property {string} name
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
 * @property {string[]} rows
 * @property {string[]} columns
 * @property {Cell[][]} cells
 * @property {{ down: string, across: string }} labels
 * @property {Table} [table]
 */

/** @typedef {Lines | Dots | Matrix} Chart */

/**
 * A chart that is drawn: its picture, its legend, and a function that returns the text about the place under the pointer,
 * or null.
 * @typedef {object} Drawn
 * @property {SVGSVGElement} svg
 * @property {HTMLElement[]} entries
 * @property {(event: PointerEvent) => HTMLElement[] | null} read
 */

const HEIGHT = 380;
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
 * The points of a curve on one of its axes.
 * @param {Lines} chart
 * @param {Series} one
 * @param {number} axis
 */
function pointsOf(chart, one, axis) {
  const last = chart.xs.length;
  return one.points.map((p) => ({ at: Number(p[axis]), value: Number(p[last]), half: Number(p[last + 1] ?? 0) }));
}

/**
 * @param {Lines} chart
 * @param {number} width
 * @param {number} axis
 * @returns {Drawn}
 */
function lines(chart, width, axis) {
  const box = { left: 52, right: width - 14, top: 24, bottom: HEIGHT - 44 };
  const svg = picture('chart', width, HEIGHT, `${chart.name}: ${chart.y}, ${chart.xs[axis]}`);
  const points = chart.series.flatMap((one) => pointsOf(chart, one, axis));
  const ends = points.flatMap((p) => [p.value - p.half, p.value + p.half]).filter((value) => value > 0);
  const across = points.map((p) => p.at);
  const x = scale(across, box.left + 6, box.right - 6, chart.log_x);
  const y = scale([...ends, ...chart.rules.map((rule) => rule.y)], box.bottom - 4, box.top, true);
  gridAcross(svg, y, box);
  const marks = chart.ticks.length ? chart.ticks : ticks(x.least, x.most, x.log);
  gridDown(svg, x, { top: box.bottom, bottom: box.bottom + 5, numbers: box.bottom + 19 }, marks);
  write(svg, chart.xs[axis], (box.left + box.right) / 2, HEIGHT - 4, 'middle');
  write(svg, chart.y, 2, 13);
  chart.rules.forEach((rule) => {
    const at = y.at(rule.y);
    svg.append(shape('line', { x1: box.left, x2: box.right, y1: at, y2: at, class: 'rule' }));
    write(svg, rule.name, box.right, at - 5, 'end');
  });
  chart.series.forEach((one) => svg.append(curveOf(one, pointsOf(chart, one, axis), x, y)));
  const pointer = shape('line', { x1: 0, x2: 0, y1: box.top, y2: box.bottom, class: 'pointer', visibility: 'hidden' });
  svg.append(pointer);
  const entries = chart.series.map((one) =>
    legendEntry(one.cell, one.name, KEY, (sample) => {
      sample.append(curveSample(KEY, one.dash, one.thin ? 'thin' : ''));
      if (one.dots) sample.append(dot(17, 6, 4, !one.dash));
    }),
  );
  return { svg, entries, read: (event) => readLines(svg, chart, axis, x, pointer, event) };
}

/**
 * @param {number} cx
 * @param {number} cy
 * @param {number} r
 * @param {boolean} full
 */
const dot = (cx, cy, r, full) => shape('circle', { cx, cy, r, class: full ? 'full' : 'hollow' });

/**
 * A curve with its points and their intervals.
 * @param {Series} one
 * @param {{ at: number, value: number, half: number }[]} points
 * @param {Scale} x
 * @param {Scale} y
 */
function curveOf(one, points, x, y) {
  const group = shape('g', { class: one.cell });
  const path = points.map((p) => /** @type {[number, number]} */ ([x.at(p.at), y.at(p.value)]));
  group.append(curve(path, one.dash, one.thin ? 'thin' : ''));
  points.forEach(({ value, half }, index) => {
    const [cx, cy] = path[index];
    const ends = { y1: y.at(Math.max(value - half, y.least)), y2: y.at(value + half) };
    if (half) group.append(shape('line', { x1: cx, x2: cx, ...ends, class: 'span' }));
    if (one.dots) group.append(dot(cx, cy, 4, !one.dash));
  });
  return group;
}

/**
 * The values of the lines at the place under the pointer.
 * @param {SVGSVGElement} svg
 * @param {Lines} chart
 * @param {number} axis
 * @param {Scale} x
 * @param {Element} pointer
 * @param {PointerEvent} event
 */
function readLines(svg, chart, axis, x, pointer, event) {
  const box = svg.getBoundingClientRect();
  const under = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
  const curves = chart.series.map((one) => pointsOf(chart, one, axis));
  const nearest = nearestOf(curves.flat(), under, x).at;
  pointer.setAttribute('visibility', 'visible');
  pointer.setAttribute('x1', String(x.at(nearest)));
  pointer.setAttribute('x2', String(x.at(nearest)));
  const said = chart.series.map((one, index) => {
    const { at, value, half } = nearestOf(curves[index], under, x);
    const where = at === nearest ? '' : ` (${at.toLocaleString()})`; // this curve has no point at `nearest`
    return node('span', one.cell, `${one.name} ${digits(value)}${half ? ' ± ' + digits(half) : ''}${where}`);
  });
  return [node('b', '', `${chart.xs[axis]}: ${nearest.toLocaleString()}`), ...said];
}

/**
 * @template {{ at: number }} Point
 * @param {Point[]} points
 * @param {number} pixel
 * @param {Scale} x
 */
export function nearestOf(points, pixel, x) {
  const distance = (/** @type {Point} */ point) => Math.abs(x.at(point.at) - pixel);
  return points.reduce((best, point) => (distance(point) < distance(best) ? point : best));
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
  const svg = picture('chart', width, high, `${chart.name}: ${chart.x.label}`);
  const values = chart.rows.flatMap((row) => [row.value - (row.half || 0), row.value + (row.half || 0), row.train]);
  const x = scale(values, left, right, true);
  gridDown(svg, x, { top: 8, bottom: high - 38, numbers: high - 22 });
  write(svg, chart.x.label, (left + right) / 2, high - 4, 'middle');
  chart.rows.forEach((row, index) => svg.append(rowOf(row, index, { x, width, step })));
  const entries = [
    legendEntry('base', chart.labels.train, KEY, (sample) => sample.append(dot(17, 6, 4, false))),
    legendEntry('base', chart.labels.value, KEY, (sample) => sample.append(dot(17, 6, 5, true))),
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
  group.append(dot(x.at(row.train), y, 4, false), dot(x.at(row.value), y, 6, true));
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
  const value = digits(row.value) + (row.half ? ' ± ' + digits(row.half) : '');
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
  const svg = picture('chart', width, top + chart.rows.length * step + 4, chart.name);
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
      group.append(shape('rect', { ...box, class: 'cell', 'fill-opacity': (cell.strength * 0.75).toFixed(3) }));
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
