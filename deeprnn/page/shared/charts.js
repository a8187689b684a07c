// The parts of every chart: numbers as text, scales, ticks, grids, curves, legends.
import { dash, node, shape } from './dom.js';

/**
 * The map from the values of an axis to pixels.
 * @typedef {object} Scale
 * @property {number} least
 * @property {number} most
 * @property {boolean} log
 * @property {(value: number) => number} at the pixel of a value
 */

const FONT = '12px system-ui, "PingFang SC", "Noto Sans CJK SC", sans-serif';
/** @type {CanvasRenderingContext2D | null} */
let measure = null;

/**
 * The width of a text, in pixels.
 * @param {string} text
 * @param {number} [size]
 * @param {string} [weight]
 */
export function wordsWide(text, size = 12, weight = 'normal') {
  measure ??= node('canvas').getContext('2d');
  if (!measure) return size * text.length;
  measure.font = `${weight} ${FONT.replace('12', String(size))}`;
  return measure.measureText(text).width;
}

/**
 * The width for the names to the left of a picture: that of the longest name, but at most half of the picture.
 * @param {string[]} names
 * @param {number} width
 */
export const gutter = (names, width) => Math.min(Math.max(...names.map((name) => wordsWide(name))) + 14, width / 2);

/**
 * A count as text, the same whatever language the browser speaks.
 * @param {number} n
 */
export const counted = (n) => n.toLocaleString('en-US');

/**
 * The number beside a mark, as text.
 * @param {number} value
 */
export const digits = (value) => value.toFixed(decimals(value));

/**
 * A number with the half width of its interval, if it has one, as text.
 * @param {number} value
 * @param {number | null} half
 */
export const estimated = (value, half) => between(value, half, decimals(value));

/**
 * A share in percent with the half width of its interval, if it has one, as text.
 * @param {number} value
 * @param {number | null} half
 */
export const share = (value, half) => between(value, half, value >= 10 ? 1 : 2);

/**
 * @param {number} value
 * @param {number | null} half
 * @param {number} places
 */
const between = (value, half, places) => value.toFixed(places) + (half ? ` ± ${half.toFixed(places)}` : '');

/** @param {number} value */
const decimals = (value) => (value >= 100 ? 0 : value >= 10 ? 1 : 3);

/**
 * A number on an axis, as text.
 * @param {number} value
 */
export function short(value) {
  if (value >= 1e9) return powered(value, 0);
  if (value >= 1e6) return value / 1e6 + ' M';
  return value >= 1e3 ? value / 1e3 + ' k' : String(value);
}

/**
 * A large or small number with a power of ten, as text.
 * @param {number} value
 * @param {number} decimals
 */
export function powered(value, decimals) {
  const [all, power] = value.toExponential(decimals).split('e');
  return (all === '1' ? '' : all + ' × ') + '10' + [...String(Number(power))].map((one) => SUPERSCRIPTS[one]).join('');
}

/** @type {Record<string, string>} */
const SUPERSCRIPTS = Object.fromEntries([...'-0123456789'].map((one, at) => [one, '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'[at]]));

/**
 * At least three round values between two ends: 1, 2, 5, 10 ... on a log scale that is long enough, else even steps.
 * @param {number} from
 * @param {number} to
 * @param {boolean} [log]
 */
export function ticks(from, to, log) {
  if (!(to > from)) return [from];
  for (const steps of log ? [[1], [1, 2, 5], [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8]] : []) {
    const found = powers(from, to, steps);
    if (found.length >= 3) return found.filter((_, index) => index % Math.ceil(found.length / 12) === 0);
  }
  const rough = (to - from) / 6;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = unit * ([1, 2, 5].find((times) => times * unit >= rough) ?? 10);
  const found = [];
  for (let at = Math.ceil(from / step); at * step <= to; at++) found.push(Number((at * step).toPrecision(6)));
  return found.filter((value) => isBetween(value, from, to));
}

/**
 * The values between two ends that are one of the steps times a power of ten.
 * @param {number} from
 * @param {number} to
 * @param {number[]} steps
 */
function powers(from, to, steps) {
  const found = [];
  for (let power = Math.floor(Math.log10(from)); power <= Math.ceil(Math.log10(to)); power++) {
    found.push(...steps.map((step) => Number((step * 10 ** power).toPrecision(3))));
  }
  return found.filter((value) => isBetween(value, from, to));
}

/**
 * @param {number} value
 * @param {number} from
 * @param {number} to
 */
const isBetween = (value, from, to) => value >= from * (1 - 1e-9) && value <= to * (1 + 1e-9);

/**
 * The scale that maps the least of some values to `start` and the greatest to `end`.
 * @param {number[]} values
 * @param {number} start
 * @param {number} end
 * @param {boolean} [log]
 * @returns {Scale}
 */
export function scale(values, start, end, log = false) {
  const spread = log ? Math.log : (/** @type {number} */ value) => value;
  const least = Math.min(...values);
  const most = Math.max(...values);
  const width = spread(most) - spread(least) || 1;
  return { least, most, log, at: (value) => start + ((spread(value) - spread(least)) / width) * (end - start) };
}

/**
 * The marks whose numbers do not overlap.
 * @param {number[]} marks
 * @param {Scale} x
 */
export function apart(marks, x) {
  let end = -Infinity;
  return marks.filter((value) => {
    const half = wordsWide(short(value)) / 2;
    if (x.at(value) - half < end + 6) return false;
    end = x.at(value) + half;
    return true;
  });
}

/**
 * An empty picture, whose units are the screen's pixels, with its accessible name.
 * @param {string} className
 * @param {number} width
 * @param {number} height
 * @param {string} label
 */
export const picture = (className, width, height, label) =>
  shape('svg', { viewBox: `0 0 ${width} ${height}`, class: className, role: 'img', 'aria-label': label });

/**
 * @param {Element} svg
 * @param {string | number} text
 * @param {number} x
 * @param {number} y
 * @param {'start' | 'middle' | 'end'} [anchor]
 * @param {string} [className]
 */
export function write(svg, text, x, y, anchor = 'start', className = '') {
  svg.append(shape('text', { x, y, 'text-anchor': anchor, ...(className && { class: className }) }, text));
}

/**
 * Draws a horizontal line at each tick of a scale, with its number to the left.
 * @param {Element} svg
 * @param {Scale} y
 * @param {{ left: number, right: number }} box
 */
export function gridAcross(svg, y, { left, right }) {
  ticks(y.least, y.most, y.log).forEach((value) => {
    const at = y.at(value);
    svg.append(shape('line', { x1: left, x2: right, y1: at, y2: at, class: 'grid' }));
    write(svg, short(value), left - 8, at + 4, 'end');
  });
}

/**
 * Draws a vertical line at each mark whose number does not overlap another, with its number below.
 * @param {Element} svg
 * @param {Scale} x
 * @param {{ top: number, bottom: number, numbers: number }} box the ends of the lines, and the place of the numbers
 * @param {number[]} [marks]
 */
export function gridDown(svg, x, { top, bottom, numbers }, marks = ticks(x.least, x.most, x.log)) {
  apart(marks, x).forEach((value) => {
    const at = x.at(value);
    svg.append(shape('line', { x1: at, x2: at, y1: top, y2: bottom, class: 'grid' }));
    write(svg, short(value), at, numbers, 'middle');
  });
}

/**
 * A line through points; its dashes distinguish it from other lines.
 * @param {[number, number][]} points in pixels
 * @param {number} index of its dashes
 * @param {string} [className]
 */
export function curve(points, index, className = '') {
  const path = points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ');
  return shape('polyline', { points: path, class: `curve ${className}`.trim(), 'stroke-dasharray': dash(index) });
}

/** The corners of the shapes of marks, as multiples of their radius; the first shape, a circle, has none. */
const CORNERS = [
  '',
  '-.9 -.9 .9 -.9 .9 .9 -.9 .9',
  '0 -1.3 1.3 0 0 1.3 -1.3 0',
  '0 -1.2 1.2 .9 -1.2 .9',
  '0 1.2 1.2 -.9 -1.2 -.9',
];

/**
 * A mark of a point; its shape tells lines apart where colours do not.
 * @param {number} index of its shape
 * @param {number} cx
 * @param {number} cy
 * @param {number} r
 * @param {boolean} full
 */
export function mark(index, cx, cy, r, full) {
  const looks = { class: full ? 'full' : 'hollow' };
  const corners = CORNERS[index % CORNERS.length];
  if (!corners) return shape('circle', { cx, cy, r, ...looks });
  const points = corners.split(' ').map((one, at) => (Number(one) * r + (at % 2 ? cy : cx)).toFixed(1));
  return shape('polygon', { points: points.join(' '), ...looks });
}

/**
 * A ring around a point.
 * @param {number} cx
 * @param {number} cy
 * @param {number} r
 */
export const ring = (cx, cy, r) => shape('circle', { cx, cy, r, class: 'ring' });

/**
 * Heights near the given ones, in the same order from top to bottom, that are at least `gap` apart and between two ends.
 * @param {number[]} heights
 * @param {number} gap
 * @param {number} top
 * @param {number} bottom
 */
export function spread(heights, gap, top, bottom) {
  const order = heights.map((_, index) => index).sort((a, b) => heights[a] - heights[b]);
  const found = [...heights];
  let free = top;
  for (const index of order) {
    found[index] = Math.max(heights[index], free);
    free = found[index] + gap;
  }
  let most = bottom;
  for (const index of order.reverse()) {
    found[index] = Math.min(found[index], most);
    most = found[index] - gap;
  }
  return found;
}

/**
 * An entry of a legend: a sample, which `draw` draws, and a name.
 * @param {string} className
 * @param {string} name
 * @param {{ width: number, height: number }} size of the sample
 * @param {(sample: SVGSVGElement) => void} draw
 */
export function legendEntry(className, name, { width, height }, draw) {
  const made = node('span', className);
  const size = { viewBox: `0 0 ${width} ${height}`, width, height };
  const sample = shape('svg', { ...size, 'aria-hidden': 'true', class: 'chart-key' });
  draw(sample);
  made.append(sample, node('i', '', name));
  return made;
}

/**
 * A piece of a curve for a legend.
 * @param {{ width: number, height: number }} size
 * @param {number} index of its dashes
 * @param {string} [className]
 */
export function curveSample({ width, height }, index, className = '') {
  const y = height / 2;
  const looks = { class: `curve ${className}`.trim(), 'stroke-dasharray': dash(index) };
  return shape('line', { x1: 0, x2: width, y1: y, y2: y, ...looks });
}
