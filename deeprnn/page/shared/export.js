// A chart as files: its picture with title and legend, and its numbers.
import { wordsWide } from './charts.js';
import { noControl, node, save, shape } from './dom.js';

/** @typedef {import('./kinds.js').Chart} Chart */

/**
 * Every drawn number with all digits, one in each line, as CSV; the first line is the title.
 * @param {Chart} chart
 */
export function csvOf(chart) {
  const quoted = (/** @type {unknown} */ value) => {
    const plain = String(value ?? '');
    const isFormula = /^ *[=+\-@\t\r\n＝＋－＠]/.test(plain) && !/^[+-]?[\d.,]+%?$/.test(plain); // to a spreadsheet
    const text = (isFormula ? "'" : '') + plain;
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [['# ' + chart.title], ...rowsOf(chart)].map((row) => row.map(quoted).join(',')).join('\r\n') + '\r\n';
}

/**
 * @param {Chart} chart
 * @returns {unknown[][]}
 */
function rowsOf(chart) {
  if (chart.kind === 'lines') {
    const points = chart.series.flatMap((one) => one.points.map((p) => [one.name, ...p]));
    return [['series', ...chart.xs, chart.y, 'half_width_95'], ...points];
  }
  return chart.table ? [chart.table.columns, ...chart.table.rows] : [];
}

const STYLED = [
  'fill',
  'fill-opacity',
  'opacity',
  'stroke',
  'stroke-width',
  'stroke-dasharray',
  'font-size',
  'font-weight',
  'font-family',
  'paint-order',
];

/**
 * A copy of a picture that contains the styles of the style sheet.
 * @param {SVGSVGElement} svg
 */
function withStyles(svg) {
  const copy = /** @type {SVGSVGElement} */ (svg.cloneNode(true));
  const to = copy.querySelectorAll('*');
  svg.querySelectorAll('*').forEach((one, index) => {
    const style = getComputedStyle(one);
    STYLED.forEach((name) => to[index].setAttribute(name, style.getPropertyValue(name)));
  });
  copy.querySelectorAll('.pointer, .touched').forEach((one) => one.remove());
  noControl(copy); // a file is none
  return copy;
}

/**
 * A bold text broken into lines of a given width, between words or between Chinese characters.
 * @param {string} text
 * @param {number} width
 * @param {number} size
 */
function wrapped(text, width, size) {
  const made = [''];
  (text.match(/[\u2e80-\uffef]\s*|[^\s\u2e80-\uffef]+\s*/g) || []).forEach((piece) => {
    if (wordsWide(made[made.length - 1] + piece.trimEnd(), size, 'bold') > width) made.push('');
    made[made.length - 1] += piece;
  });
  return made;
}

/**
 * The picture as a separate file, with its title, what it is about, and the legend below.
 * @param {SVGSVGElement} svg
 * @param {{ title: string, about: string }} titles
 * @param {Element[]} entries
 */
export function standalone(svg, { title, about }, entries) {
  const { width, height } = svg.viewBox.baseVal;
  const style = getComputedStyle(svg);
  const edge = 16;
  const ink = { fill: style.getPropertyValue('--ink').trim(), 'font-family': 'system-ui, sans-serif' };
  const bold = { ...ink, 'font-size': 15, 'font-weight': 600 };
  let top = edge;
  /** @type {Element[]} */
  const parts = wrapped(title, width, 15).map((line) => {
    top += 21;
    return shape('text', { ...bold, x: edge, y: top - 7 }, line.trimEnd());
  });
  top += 18;
  parts.push(shape('text', { ...ink, 'font-size': 12, 'fill-opacity': 0.75, x: edge, y: top - 5 }, about));
  const picture = withStyles(svg);
  const place = { x: edge, y: top + 8, width, height, overflow: 'visible' };
  Object.entries(place).forEach(([name, value]) => picture.setAttribute(name, String(value)));
  parts.push(picture);
  top += height + 22;
  let left = edge;
  entries.forEach((entry) => {
    const name = entry.querySelector('i')?.textContent ?? '';
    const long = 42 + wordsWide(name);
    if (left > edge && left + long > width + edge) [left, top] = [edge, top + 20];
    parts.push(...keyOf(entry, name, left, top, ink));
    left += long + 18;
  });
  const size = { width: width + 2 * edge, height: top + (left > edge ? 20 : 0) + edge };
  const whole = shape('svg', size);
  whole.append(shape('rect', { ...size, fill: style.backgroundColor }), ...parts);
  return { text: new XMLSerializer().serializeToString(whole), ...size };
}

/**
 * An entry of the legend at its place in the file.
 * @param {Element} entry
 * @param {string} name
 * @param {number} left
 * @param {number} top
 * @param {Record<string, string>} ink
 */
function keyOf(entry, name, left, top, ink) {
  const sample = entry.querySelector('svg');
  const words = shape('text', { ...ink, x: left + 40, y: top + 10, 'font-size': 12 }, name);
  if (!sample) return [words];
  const copy = withStyles(sample);
  copy.setAttribute('x', String(left));
  copy.setAttribute('y', String(top));
  return [copy, words];
}

/**
 * @param {{ text: string, width: number, height: number }} picture
 * @param {string} name
 */
export function savePng({ text, width, height }, name) {
  const image = new Image();
  image.onload = () => {
    const canvas = node('canvas');
    canvas.width = 2 * width;
    canvas.height = 2 * height;
    canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => blob && save(name, 'image/png', blob));
  };
  image.src = 'data:image/svg+xml;charset=utf-8,' + encodeURIComponent(text);
}
