// The chart of the learning curves, as the values that shared/lines.js draws.
import { counted, curveSample, legendEntry, ring } from '../shared/charts.js';
import { filled, node } from '../shared/dom.js';

/** @typedef {import('./timeline.js').Learner} Learner */

const HEIGHT = 300;
const KEY = { width: 34, height: 14 };
const LONG = 20; // an axis whose end is at so many times its start is logarithmic

/**
 * Each model's perplexity on the training text and on held-out text, with a ring at its best.
 * @param {Learner[]} learners
 * @param {string[]} colours
 * @param {import('./timeline.js').Axis} axis
 * @param {Record<string, string>} labels
 * @returns {import('../shared/lines.js').Lines}
 */
export function chartOf(learners, colours, axis, labels) {
  const places = learners.flatMap((one) => one[axis]);
  const least = Math.min(...places);
  const symbols = [...new Set(learners.map((one) => one.symbols))];
  return {
    kind: 'lines',
    name: '',
    title: labels.title,
    series: learners.flatMap((one, index) => seriesOf(one, { colour: colours[index], mark: index }, axis, labels)),
    xs: [labels[axis]],
    log_x: least > 0 && Math.max(...places) >= LONG * least,
    ticks: [],
    y: labels.ppl,
    rules: symbols.map((n) => ({ name: filled(labels.guessing, { n: counted(n) }), y: n })),
    height: HEIGHT,
  };
}

/**
 * @param {Learner} one
 * @param {{ colour: string, mark: number }} looks
 * @param {import('./timeline.js').Axis} axis
 * @param {Record<string, string>} labels
 * @returns {import('../shared/lines.js').Series[]}
 */
function seriesOf(one, looks, axis, labels) {
  return /** @type {const} */ (['train', 'heldout']).map((part) => ({
    name: filled(labels.run_part, { run: one.title, part: labels[part] }),
    short: filled(labels.run_part, { run: one.stack, part: labels[part] }),
    ...looks,
    dash: part === 'train' ? 1 : 0,
    thin: part === 'train',
    points: one[part].map((value, at) => [one[axis][at], value, null]),
    ...(part === 'heldout' && { best: one.best }),
  }));
}

/**
 * What the lines and the rings mean; which model a colour is, the cards say.
 * @param {Record<string, string>} labels
 */
export function legendOf(labels) {
  const legend = node('div', 'legend');
  const [x, y] = [KEY.width / 2, KEY.height / 2];
  legend.append(
    legendEntry('base', labels.heldout, KEY, (sample) => sample.append(curveSample(KEY, 0))),
    legendEntry('base', labels.train, KEY, (sample) => sample.append(curveSample(KEY, 1, 'thin'))),
    legendEntry('base', labels.best, KEY, (sample) => sample.append(ring(x, y, y - 1))),
  );
  return legend;
}
