// Draws the pictures: maps of a model's layers along a text or along distances, and a dot for each layer. Each picture of
// one model is beside the same picture of the other, on the same scale.
import { counted, gridDown, picture, powered, scale, write } from '../shared/charts.js';
import { node, shape, strength } from '../shared/dom.js';
import { sized } from '../shared/sized.js';

/**
 * A look into a model, see `service.look`: one row for each layer, one column for each character or distance.
 * @typedef {object} Look
 * @property {string} model
 * @property {string} title
 * @property {string} name of the recipe
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
const FIRST = 'states'; // the picture that names the models' recipes

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
 * A picture of one model and the sentence about its numbers.
 * @typedef {{ body: HTMLElement, says: string }} Drawn
 */

/**
 * The same picture of each model, with its title, the meaning of its colours or marks, and the name of its axis.
 * @param {string} kind
 * @param {Look[]} models
 * @param {{ title: string, scale: string, axis?: string }} words
 * @param {(one: Look) => Drawn} draw
 */
function row(kind, models, { title, scale, axis }, draw) {
  const made = node('section', 'pair');
  made.dataset.picture = kind;
  const beside = node('div', 'beside');
  for (const one of models) {
    const { body, says } = draw(one);
    const figure = node('figure', 'figure');
    figure.dataset.model = one.model;
    const name = node('h4', one.cell, one.title + ' ');
    if (kind === FIRST) name.append(node('small', 'recipe', one.name));
    figure.append(name, body);
    if (axis) figure.append(node('p', 'axis-name', axis));
    if (says) figure.append(node('p', 'says', says));
    beside.append(figure);
  }
  made.append(node('h3', '', title), node('p', 'scale', scale), beside);
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
 * What is shown of the states, along the text.
 * @param {Look[]} models
 * @param {Labels} labels
 * @param {string} shown
 * @param {number} layer
 */
export function states(models, labels, shown, layer) {
  const drawn = new Map(models.map((one) => [one, stateOf(one, labels, shown, layer)]));
  const scales = [...new Set([...drawn.values()].map(({ scale }) => scale))];
  return row('states', models, { title: labels.state_title, scale: scales.join(' · ') }, (one) => {
    const { rows, names } = /** @type {ReturnType<typeof stateOf>} */ (drawn.get(one));
    const map = heat(rows, names, labels.state_title);
    map.classList.add('timed');
    return { body: map, says: saysOfState(one, shown) };
  });
}

/**
 * The prediction at each level, along the text.
 * @param {Look[]} models
 * @param {Labels} labels
 */
export function lens(models, labels) {
  return row('lens', models, { title: labels.lens_title, scale: labels.scale_lens }, (one) => {
    const rows = one.lens.nats.map((nats) => [0, ...nats.map(strength)]);
    const names = one.lens.levels.map((level) => (level === 0 ? '·' : String(level)));
    const map = heat(rows, names, labels.lens_title);
    map.classList.add('timed');
    return { body: map, says: one.says.lens };
  });
}

/**
 * How long each layer remembers.
 * @param {Look[]} models
 * @param {Labels} labels
 */
export function echo(models, labels) {
  const words = { title: labels.echo_title, scale: labels.scale_echo, axis: labels.axis_distance };
  return row('echo', models, words, (one) => {
    const names = one.lifetime.map((life, index) => `${index + 1} · ${life}`);
    const ends = one.lifetime.map((life) => life / one.echo[0].length);
    return { body: heat(one.echo, names, labels.echo_title, ends), says: one.says.echo };
  });
}

/**
 * How much of the gradient reaches each layer at each distance.
 * @param {Look[]} models
 * @param {Labels} labels
 */
export function gradients(models, labels) {
  const most = Math.max(...models.flatMap((each) => each.gradients.flat()));
  const share = (/** @type {number} */ norm) => (norm > 0 ? Math.max(0, 1 + Math.log10(norm / most) / 6) : 0);
  const words = { title: labels.gradients_title, scale: labels.scale_gradients, axis: labels.axis_back };
  return row('gradients', models, words, (one) => {
    const rows = one.gradients.map((norms) => norms.map(share));
    return { body: heat(rows, numbers(rows.length), labels.gradients_title), says: one.says.gradients };
  });
}

/**
 * A dot for each layer: the text's perplexity without that layer; a line: that of the whole model.
 * @param {Look[]} models
 * @param {Labels} labels
 */
export function without(models, labels) {
  const nats = models.flatMap((each) => [each.nats, ...each.without.filter((found) => found !== null)]);
  const ends = [Math.exp(Math.min(...nats)), Math.exp(Math.max(...nats))];
  const words = { title: labels.without_title, scale: labels.scale_without, axis: labels.axis_ppl };
  return row('without', models, words, (one) => ({
    body: sized(node('div'), (width) => [dots(one, ends, width, labels.without_title)]),
    says: one.says.without,
  }));
}

/**
 * @param {Look} one
 * @param {number[]} ends the least and the greatest perplexity
 * @param {number} width
 * @param {string} title
 */
function dots(one, ends, width, title) {
  const step = 22;
  const left = 26;
  const high = one.without.length * step + 6;
  const svg = picture('chart ' + one.cell, width, high + 18, title);
  const x = scale(ends, left + 12, width - 64, true);
  gridDown(svg, x, { top: 0, bottom: high - 6, numbers: high + 12 });
  const whole = x.at(Math.exp(one.nats));
  svg.append(shape('line', { x1: whole, x2: whole, y1: 0, y2: high - 6, class: 'rule' }));
  one.without.forEach((nats, index) => {
    const y = high - (index + 0.5) * step - 4;
    write(svg, index + 1, left - 8, y + 4, 'end');
    if (nats === null) {
      write(svg, '–', left + 4, y + 4);
      return;
    }
    const ppl = Math.exp(nats);
    const at = x.at(ppl);
    svg.append(shape('line', { x1: whole, x2: at, y1: y, y2: y, class: 'thread' }));
    svg.append(shape('circle', { cx: at, cy: y, r: 5, class: 'full' }));
    write(
      svg,
      ppl < 1000 ? ppl.toPrecision(3) : ppl < 1e6 ? counted(Math.round(ppl)) : powered(ppl, 1),
      Math.max(at, whole) + 10,
      y + 4,
      'start',
      'ink',
    );
  });
  return svg;
}
