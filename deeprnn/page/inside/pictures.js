// Draws the pictures of one model: maps of its layers along a text or along distances, and a bar for each layer.
import { gridDown, picture, scale, write } from '../shared/charts.js';
import { node, shape, sized, strength } from '../shared/dom.js';

/**
 * A look into a model, see `service.look`: one row for each layer, one column for each character or distance.
 * @typedef {object} Look
 * @property {string} model
 * @property {string} title
 * @property {string} cell
 * @property {number} nats of the whole model
 * @property {number[][]} change
 * @property {Record<string, number[][]>} gates by the gate's letter
 * @property {string} keeping the letter of the gate that decides how much of the old state is kept
 * @property {string[][]} units of each layer, one letter for each value
 * @property {{ levels: number[], nats: number[][], said: string[][], probability: number[][] }} lens
 * @property {number[][]} echo
 * @property {number[]} lifetime
 * @property {(number | null)[]} without each layer
 * @property {number[][]} gradients
 * @property {Record<'change' | 'gates' | 'echo' | 'without' | 'lens' | 'gradients', string>} says
 */

/** @typedef {Record<string, string>} Labels */

const ZERO = 'm'.charCodeAt(0); // the letter of 0 in `units`, see service/looking.py
const STEPS = 12; // letters between 0 and 1

/** @param {number[]} values */
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * 1, 2, 3 ... as strings.
 * @param {number} count
 */
export const numbers = (count) => Array.from({ length: count }, (_, index) => String(index + 1));

/**
 * A map of values from -1 to 1 (or 0 to 1): the first row at the bottom, one column for each character or distance.
 * @param {number[][]} rows
 * @param {string[]} names
 * @param {string} label
 * @param {number[]} marks of each row, in shares of the width
 */
function heat(rows, names, label, marks = []) {
  const made = node('div', 'layers');
  const height = rows.length * (rows.length > 12 ? 7 : 20) + 'px';
  const canvas = node('canvas', 'map');
  canvas.style.height = height;
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', label);
  paint(canvas, rows);
  const side = node('div', 'rows');
  names.forEach((name) => side.prepend(node('span', '', name)));
  side.style.height = height;
  const frame = node('div', 'frame');
  frame.append(canvas, node('i', 'cursor'));
  marks.forEach((share, row) => {
    const mark = node('b', 'mark');
    mark.style.left = 100 * share + '%';
    mark.style.bottom = (100 * row) / rows.length + '%';
    mark.style.height = 100 / rows.length + '%';
    frame.append(mark);
  });
  made.append(side, frame);
  return made;
}

/**
 * Draws one pixel for each value. The canvas is not in the page yet, so the colours are read from another element.
 * @param {HTMLCanvasElement} canvas
 * @param {number[][]} rows
 */
function paint(canvas, rows) {
  canvas.width = rows[0].length;
  canvas.height = rows.length;
  const brush = canvas.getContext('2d');
  if (!brush) return;
  const style = getComputedStyle(document.querySelector('.inside') ?? document.body);
  const [hot, cold] = ['--hot', '--cold'].map((name) => style.getPropertyValue(name));
  rows.forEach((row, index) =>
    row.forEach((value, column) => {
      brush.fillStyle = `rgba(${value < 0 ? cold : hot}, ${Math.min(Math.abs(value), 1).toFixed(3)})`;
      brush.fillRect(column, rows.length - 1 - index, 1, 1);
    }),
  );
}

/**
 * A figure with its title, the meaning of its colours, and the sentence about its numbers.
 * @param {string} title
 * @param {HTMLElement} body
 * @param {string} scale
 * @param {string} says
 * @param {string} [axis]
 */
function titled(title, body, scale, says, axis) {
  const made = node('figure', 'figure');
  made.append(node('h4', '', title), body);
  if (axis) made.append(node('p', 'axis-name', axis));
  if (scale) made.append(node('p', 'scale', scale));
  if (says) made.append(node('p', 'says', says));
  return made;
}

/**
 * The values of a unit, from -1 to 1, decoded from letters.
 * @param {string} letters
 */
export const unitOf = (letters) => Array.from(letters, (letter) => (letter.charCodeAt(0) - ZERO) / STEPS);

/**
 * How the state is shown: its change, a gate, or the units of a layer.
 * @param {Look} one
 * @param {Labels} labels
 * @param {string} shown
 * @param {number} layer
 */
function stateOf(one, labels, shown, layer) {
  if (shown === 'units') {
    const rows = one.units[Math.min(layer, one.units.length - 1)].map(unitOf);
    return { rows, names: [], scale: labels.scale_units };
  }
  if (shown !== 'change' && one.gates[shown]) {
    return { rows: one.gates[shown], names: numbers(one.change.length), scale: labels.scale_gate };
  }
  const rows = one.change.map((row) => [0, ...row.map((value) => value / 1.5)]);
  const names = one.change.map((row, index) => `${index + 1} · ${(100 * mean(row)).toFixed(0)}%`);
  return { rows, names, scale: labels.scale_change };
}

/**
 * The sentence of the picture that is shown; a model without that gate shows how much its state changes.
 * @param {Look} one
 * @param {string} shown
 */
function saysOfState(one, shown) {
  if (shown === 'units') return '';
  if (shown === 'change') return one.says.change;
  if (!one.gates[shown]) return Object.keys(one.gates).length ? one.says.change : one.says.gates;
  return shown === one.keeping ? one.says.gates : '';
}

/**
 * @param {Look} one
 * @param {Labels} labels
 * @param {string} shown
 * @param {number} layer
 */
export function states(one, labels, shown, layer) {
  const { rows, names, scale } = stateOf(one, labels, shown, layer);
  const map = heat(rows, names, labels.state_title);
  map.classList.add('timed');
  return titled(labels.state_title, map, scale, saysOfState(one, shown));
}

/**
 * The prediction at each level, along the text.
 * @param {Look} one
 * @param {Labels} labels
 */
export function lens(one, labels) {
  const rows = one.lens.nats.map((row) => [0, ...row.map(strength)]);
  const names = one.lens.levels.map((level) => (level === 0 ? '·' : String(level)));
  const map = heat(rows, names, labels.lens_title);
  map.classList.add('timed');
  return titled(labels.lens_title, map, labels.scale_lens, one.says.lens);
}

/**
 * How long each layer remembers.
 * @param {Look} one
 * @param {Labels} labels
 */
export function echo(one, labels) {
  const names = one.lifetime.map((life, index) => `${index + 1} · ${life}`);
  const ends = one.lifetime.map((life) => life / one.echo[0].length);
  const map = heat(one.echo, names, labels.echo_title, ends);
  return titled(labels.echo_title, map, labels.scale_echo, one.says.echo, labels.axis_distance);
}

/**
 * How much of the gradient reaches each layer at each distance, on one scale for all models that are shown.
 * @param {Look} one
 * @param {Look[]} all
 * @param {Labels} labels
 */
export function gradients(one, all, labels) {
  const most = Math.max(...all.flatMap((each) => each.gradients.flat()));
  const share = (/** @type {number} */ norm) => (norm > 0 ? Math.max(0, 1 + Math.log10(norm / most) / 6) : 0);
  const rows = one.gradients.map((row) => row.map(share));
  const map = heat(rows, numbers(rows.length), labels.gradients_title);
  return titled(labels.gradients_title, map, labels.scale_gradients, one.says.gradients, labels.axis_back);
}

/**
 * A bar for each layer: the text's perplexity without that layer, beside that of the whole model.
 * @param {Look} one
 * @param {Look[]} all
 * @param {Labels} labels
 */
export function without(one, all, labels) {
  // The bars show nats, from 0 (perplexity 1), on one scale for all models that are shown.
  const nats = all.flatMap((each) => [each.nats, ...each.without.filter((found) => found !== null)]);
  const most = Math.exp(Math.max(...nats));
  const drawn = sized(node('div'), (width) => [bars(one, most, width, labels.without_title)]);
  return titled(labels.without_title, drawn, '', one.says.without, labels.axis_ppl);
}

/**
 * @param {Look} one
 * @param {number} most perplexity
 * @param {number} width
 * @param {string} title
 */
function bars(one, most, width, title) {
  const step = 24;
  const left = 26;
  const high = one.without.length * step + 6;
  const svg = picture('chart ' + one.cell, width, high + 18, title);
  const x = scale([1, most], left, width - 60, true);
  gridDown(svg, x, { top: 0, bottom: high - 6, numbers: high + 12 });
  one.without.forEach((nats, index) => {
    const y = high - (index + 1) * step;
    write(svg, index + 1, left - 8, y + 12, 'end');
    if (nats === null) {
      write(svg, '–', left + 4, y + 12);
      return;
    }
    const ppl = Math.exp(nats);
    const end = x.at(ppl);
    svg.append(shape('rect', { x: left, y, width: Math.max(1, end - left), height: 15, class: 'bar-fill' }));
    write(svg, ppl < 1000 ? ppl.toPrecision(4) : ppl.toExponential(1), end + 6, y + 12, 'start', 'ink');
  });
  const whole = x.at(Math.exp(one.nats));
  svg.append(shape('line', { x1: whole, x2: whole, y1: 0, y2: high - 6, class: 'rule' }));
  return svg;
}
