// Draws the perplexity along a text.
import { counted, curve, curveSample, gridAcross, legendEntry, picture, scale, write } from '../shared/charts.js';
import { node } from '../shared/dom.js';

/** @typedef {import('./score.js').Scored} Scored */

const HEIGHT = 250;
const BOX = { left: 58, top: 12, bottom: HEIGHT - 44 };
const MOST_POINTS = 300; // points in one line
const KEY = { width: 28, height: 8 };

/**
 * The mean nats per symbol of the text so far, after each character, or after every few in a long text: [characters, mean].
 * @param {ArrayLike<number>} nats of each character
 * @param {ArrayLike<number>} symbols as how many symbols each character is read
 * @returns {[number, number][]}
 */
export function means(nats, symbols) {
  /** @type {[number, number][]} */
  const points = [];
  const step = Math.max(1, Math.ceil(nats.length / MOST_POINTS));
  let sum = 0;
  let count = 0;
  for (let index = 0; index < nats.length; index++) {
    sum += nats[index];
    count += symbols[index];
    if (count && (index % step === 0 || index === nats.length - 1)) points.push([index + 1, sum / count]);
  }
  return points;
}

/**
 * A chart of the perplexity of the text so far, on a log scale.
 * @param {Scored[]} rows
 * @param {ArrayLike<number>} symbols as how many symbols each character after the first is read
 * @param {Record<string, string>} labels
 * @param {number} width
 */
export function running(rows, symbols, labels, width) {
  const curves = rows.map((row) => means(row.costs, symbols));
  const from = Math.min(10, Math.floor(curves[0].length / 4)); // the first few means vary too much
  const most = Math.max(...curves.flatMap((points) => points.slice(from).map(([, mean]) => mean)), 0.1);
  const characters = symbols.length;
  const right = width - 10;
  const x = scale([0, characters], BOX.left, right);
  const y = scale([1, Math.exp(most)], BOX.bottom, BOX.top, true);
  const svg = picture('running', width, HEIGHT, labels.running);
  gridAcross(svg, y, { left: BOX.left, right });
  [0, 0.5, 1].forEach((share) => {
    const at = characters * share;
    write(svg, counted(Math.round(at)), x.at(at), HEIGHT - 26, share === 1 ? 'end' : 'middle');
  });
  write(svg, labels.running_axis, (BOX.left + width) / 2, HEIGHT - 8, 'middle');
  curves.forEach((points, index) => {
    const path = points.slice(from).map(([at, mean]) => {
      return /** @type {[number, number]} */ ([x.at(at), y.at(Math.exp(Math.min(mean, most)))]);
    });
    svg.append(curve(path, index, rows[index].cell));
  });
  const legend = node('div', 'legend');
  rows.forEach(({ cell, title }, index) => {
    legend.append(legendEntry(cell, title, KEY, (sample) => sample.append(curveSample(KEY, index, cell))));
  });
  return [svg, legend];
}
