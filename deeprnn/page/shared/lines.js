// The chart of lines that figures.py makes: curves with a name at their ends, and the numbers at the place under the pointer.
import {
  counted,
  curve,
  curveSample,
  estimated,
  gridAcross,
  gridDown,
  legendEntry,
  mark,
  picture,
  ring,
  scale,
  share,
  spread,
  ticks,
  wordsWide,
  write,
} from './charts.js';
import { find, node, shape } from './dom.js';

/** @typedef {import('./charts.js').Scale} Scale */
/** @typedef {{ left: number, right: number, top: number, bottom: number }} Box */
/** @typedef {{ at: number, value: number, half: number }} Point */

/**
 * A curve; a point is [x on each of the axes ..., y, half width of its interval or null].
 * @typedef {object} Series
 * @property {string} name
 * @property {string} short its name beside its end
 * @property {string} colour
 * @property {number} mark the index of the shape of its marks
 * @property {number} dash
 * @property {(number | null)[][]} points
 * @property {boolean} [dots] whether every point is marked
 * @property {boolean} [thin]
 * @property {number} [best] the index of a point with a ring around it
 */

/**
 * @typedef {object} Lines
 * @property {'lines'} kind
 * @property {string} name
 * @property {string} title
 * @property {Series[]} series
 * @property {string[]} xs what each axis counts
 * @property {boolean} log_x
 * @property {number[]} ticks on the axis; [] for the default
 * @property {string} y
 * @property {boolean} [log_y] by default true; if not, the axis begins at 0
 * @property {number | null} [most] the greatest value that there can be; intervals end there; 100: values are shares in percent
 * @property {{ name: string, y: number }[]} rules horizontal lines with a name
 * @property {number} [height] in pixels
 * @property {import('./kinds.js').Table} [table]
 */

const HEIGHT = 400;
const KEY = { width: 34, height: 12 };
const LINE = 15; // between the names at the ends of lines
const RING = 9; // the radius of a ring around a point
const MARKS = 90; // pixels between two marks of a curve whose points are not all marked
const near = (/** @type {number} */ one, /** @type {number} */ other) => Math.abs(one - other) < 20; // pixels
const NARROW = 560; // a picture that is not wider has no names at the ends of its lines

/**
 * A drawn chart of lines: `placeAt` returns the place nearest to the pointer at which a line has a point; `go` marks a
 * place; `reached` returns the one whose values are shown, null for the last one, and `reach` shows those at the nearest;
 * `tell` tells a control of the chart, which is then a slider, where it is.
 * @typedef {object} Places
 * @property {(by: number) => HTMLElement[]} step
 * @property {(event: PointerEvent) => number} placeAt
 * @property {(place: number) => void} go
 * @property {() => number | null} reached
 * @property {(place: number) => HTMLElement[]} reach
 * @property {(control: Element) => void} tell
 * @typedef {import('./kinds.js').Drawn & Places} DrawnLines
 */

/**
 * @param {Lines} chart
 * @param {number} width
 * @param {number} axis the index of the chosen axis
 * @returns {DrawnLines}
 */
export function lines(chart, width, axis) {
  const high = chart.height ?? HEIGHT;
  const names = width > NARROW ? Math.max(...chart.series.map((one) => wordsWide(one.short))) + 30 : 0;
  const box = { left: 52, right: width - 14 - names, top: 24, bottom: high - 44 };
  const svg = picture('chart', width, high, `${chart.title}. ${chart.y}, ${chart.xs[axis]}`);
  const curves = chart.series.map((one) => pointsOf(chart, one, axis));
  const points = curves.flat();
  const log = chart.log_y ?? true;
  const most = chart.most ?? Infinity;
  const ends = points.flatMap((p) => [p.value - p.half, Math.min(p.value + p.half, most)]).filter((end) => end > 0);
  const x = scale(
    points.map((p) => p.at),
    box.left + 8,
    box.right - 8,
    chart.log_x,
  );
  const least = log ? [] : [0];
  const y = scale([...ends, ...chart.rules.map((rule) => rule.y), ...least], box.bottom - 6, box.top, log);
  drawAxes(svg, chart, axis, { x, y, box });
  chart.series.forEach((one, index) => svg.append(curveOf(one, curves[index], x, y)));
  chart.rules.forEach((rule) => {
    const at = y.at(rule.y);
    const isOnPoint = points.some((p) => x.at(p.at) < box.left + 12 + wordsWide(rule.name) && near(y.at(p.value), at));
    const under = at - 5 < box.top ? at + 15 : at - 5; // not over the axis' name
    if (isOnPoint) write(svg, rule.name, box.right - 6, under, 'end', 'over');
    else write(svg, rule.name, box.left + 6, under, 'start', 'over');
  });
  if (names) svg.append(...endsOf(chart.series, curves, { x, y, box }));
  const pointer = shape('line', { x1: 0, x2: 0, y1: box.top, y2: box.bottom, class: 'pointer', visibility: 'hidden' });
  svg.append(pointer);
  const entries = chart.series.map(entryOf);
  const told = chart.most === 100 ? share : estimated;
  return { svg, entries, ...reader({ svg, entries, pointer, curves, x, axis: chart.xs[axis], told }) };
}

/**
 * The points of a curve on one of its axes.
 * @param {Lines} chart
 * @param {Series} one
 * @param {number} axis
 * @returns {Point[]}
 */
function pointsOf(chart, one, axis) {
  const last = chart.xs.length;
  return one.points.map((p) => ({ at: Number(p[axis]), value: Number(p[last]), half: Number(p[last + 1] ?? 0) }));
}

/**
 * @param {Element} svg
 * @param {Lines} chart
 * @param {number} axis
 * @param {{ x: Scale, y: Scale, box: Box }} place
 */
function drawAxes(svg, chart, axis, { x, y, box }) {
  gridAcross(svg, y, box);
  const marks = chart.ticks.length ? chart.ticks : ticks(x.least, x.most, x.log);
  gridDown(svg, x, { top: box.bottom, bottom: box.bottom + 5, numbers: box.bottom + 19 }, marks);
  write(svg, chart.xs[axis], (box.left + box.right) / 2, box.bottom + 40, 'middle');
  write(svg, chart.y, 2, 13);
  chart.rules.forEach((rule) => {
    const at = y.at(rule.y);
    svg.append(shape('line', { x1: box.left, x2: box.right, y1: at, y2: at, class: 'rule' }));
  });
}

/**
 * A curve with its points and their intervals; marks tell it from others of another colour.
 * @param {Series} one
 * @param {Point[]} points
 * @param {Scale} x
 * @param {Scale} y
 */
function curveOf(one, points, x, y) {
  const group = shape('g', { class: one.colour });
  const path = points.map((p) => /** @type {[number, number]} */ ([x.at(p.at), y.at(p.value)]));
  group.append(curve(path, one.dash, one.thin ? 'thin' : ''));
  let marked = -Infinity;
  points.forEach(({ value, half }, index) => {
    const [cx, cy] = path[index];
    const ends = { y1: y.at(Math.max(value - half, y.least)), y2: y.at(Math.min(value + half, y.most)) };
    if (half) group.append(shape('line', { x1: cx, x2: cx, ...ends, class: 'span' }));
    if (!one.dots && index < points.length - 1 && cx - marked < MARKS) return;
    group.append(mark(one.mark, cx, cy, 4, !one.dash));
    marked = cx;
  });
  if (one.best !== undefined) group.append(ring(...path[one.best], RING));
  return group;
}

/**
 * The names of the lines to the right of the picture, each with a thin line from the end of its own.
 * @param {Series[]} series
 * @param {Point[][]} curves
 * @param {{ x: Scale, y: Scale, box: Box }} place
 */
function endsOf(series, curves, { x, y, box }) {
  const ends = curves.map((points) => points[points.length - 1]);
  const heights = spread(
    ends.map((end) => y.at(end.value)),
    LINE,
    box.top,
    box.bottom,
  );
  return series.map((one, index) => {
    const [from, at, to] = [x.at(ends[index].at) + 7, y.at(ends[index].value), heights[index]];
    const group = shape('g', { class: `end ${one.colour}` });
    const bend = box.right + 2;
    const points = `${from},${at} ${Math.max(from, bend)},${at} ${bend + 14},${to}`;
    group.append(shape('polyline', { points, class: 'leader' }));
    write(group, one.short, bend + 18, to + 4, 'start', 'ink');
    return group;
  });
}

/**
 * An entry of the legend, with a place for the value under the pointer.
 * @param {Series} one
 */
function entryOf(one) {
  const made = legendEntry(one.colour, one.name, KEY, (sample) => {
    sample.append(curveSample(KEY, one.dash, one.thin ? 'thin' : ''), mark(one.mark, 17, 6, 4, !one.dash));
  });
  made.append(node('b', 'value'));
  return made;
}

/**
 * Functions that show the values of all lines at a place: under the pointer, or some steps away from the present one.
 * @typedef {(value: number, half: number | null) => string} Told
 * @param {{ svg: SVGSVGElement, entries: HTMLElement[], pointer: Element, curves: Point[][], x: Scale, axis: string,
 *   told: Told }} drawn
 */
function reader({ svg, entries, pointer, curves, x, axis, told }) {
  const places = [...new Set(curves.flat().map((p) => p.at))].sort((a, b) => a - b);
  const values = entries.map((entry) => find(entry, '.value'));
  const texts = places.flatMap((place) => curves.map((points) => valueAt(points, place, x, told)));
  const longest = Math.max(...texts.map((text) => text.length));
  values.forEach((value) => (value.style.minWidth = longest + 'ch')); // then no name moves when a value is longer
  let present = places.length - 1;
  const point = (/** @type {number} */ place) => {
    pointer.setAttribute('x1', String(x.at(place)));
    pointer.setAttribute('x2', String(x.at(place)));
  };
  const show = () => {
    const place = places[present];
    point(place);
    curves.forEach((points, index) => (values[index].textContent = valueAt(points, place, x, told)));
    return [node('b', '', `${axis} ${counted(place)}`)];
  };
  const every = places.map((at) => ({ at }));
  const reached = () => (present < places.length - 1 ? places[present] : null);
  const reach = (/** @type {number} */ place) => {
    pointer.setAttribute('visibility', 'visible');
    present = places.indexOf(nearestOf(every, x.at(place), x).at);
    return show();
  };
  const placeAt = (/** @type {PointerEvent} */ event) =>
    nearestOf(every, event.clientX - svg.getBoundingClientRect().left, x).at;
  const read = (/** @type {PointerEvent} */ event) => reach(placeAt(event));
  const go = (/** @type {number} */ place) => {
    pointer.setAttribute('visibility', 'visible');
    point(place);
  };
  const step = (/** @type {number} */ by) => {
    if (by) pointer.setAttribute('visibility', 'visible');
    present = Math.min(Math.max(present + by, 0), places.length - 1);
    return show();
  };
  const tell = (/** @type {Element} */ control) => {
    const said = entries.map((entry, index) => `${find(entry, 'i').textContent} ${values[index].textContent}`);
    const slider = {
      role: 'slider',
      'aria-valuemin': 0,
      'aria-valuemax': places.length - 1,
      'aria-valuenow': present,
      'aria-valuetext': `${axis} ${counted(places[present])}: ${said.join('; ')}`,
      'aria-label': svg.getAttribute('aria-label') ?? '',
    };
    for (const [name, value] of Object.entries(slider)) control.setAttribute(name, String(value));
  };
  return { read, step, placeAt, go, reached, reach, tell };
}

/**
 * The value of a curve at a place, with its interval; if it has no point there, that of the nearest, and where it is.
 * @param {Point[]} points
 * @param {number} place
 * @param {Scale} x
 * @param {Told} told
 */
function valueAt(points, place, x, told) {
  const { at, value, half } = nearestOf(points, x.at(place), x);
  const where = at === place ? '' : ` (${counted(at)})`;
  return told(value, half) + where;
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
