// The chart of all trainings of one text: a thin line for the training text, a thick one for held-out text.
import { filled, noControl, node, pointed, segments, walked } from '../shared/dom.js';
import { lines } from '../shared/lines.js';
import { sized } from '../shared/sized.js';

/** @typedef {import('./client.js').Training} Training */
/** @typedef {import('../shared/lines.js').Series} Series */
/** @typedef {import('../shared/lines.js').DrawnLines} DrawnLines */
/** @typedef {Record<string, string>} Labels */
/** @typedef {{ colour: string, mark: number }} Look how a training is told from the others */

const COLOURS = ['spare-2', 'spare-3', 'spare-4', 'spare-1', 'lstm', 'gru', 'rnn', 'mingru', 'minlstm'];
const MOST = 60; // points of a thin line that are drawn

/**
 * The look of the nth training.
 * @param {number} index
 * @returns {Look}
 */
export const look = (index) => ({ colour: COLOURS[index % COLOURS.length], mark: index });

/** The chart of the trainings of one text; `draw` draws it again. */
export class Race {
  /** @type {Training[]} */
  #trainings = [];
  /** @type {Map<string, Look>} */
  #looks = new Map();
  /** The index of the axis: seconds, epochs. */
  #axis = 0;
  /** The place on the axis that the reader looks at; null: the end, wherever that is. @type {number | null} */
  #place = null;
  /** The chart as it is drawn now. @type {DrawnLines | null} */
  #shown = null;
  #again = () => {};

  /** @param {Labels} labels */
  constructor(labels) {
    this.labels = labels;
    this.bar = node('div', 'bar');
    this.readout = node('p', 'explain');
    this.legend = node('div', 'legend');
    this.element = node('figure', 'figure race');
    this.picture = sized(node('div', 'picture'), (width, again) => {
      this.#again = again;
      return this.#drawn(width);
    });
    walked(this.picture, (by) => this.#move(by));
    const caption = node('figcaption', '', labels.chart);
    this.element.append(caption, this.bar, this.picture, this.readout, this.legend, node('p', 'note', labels.note));
    this.#choose();
  }

  /**
   * @param {Training[]} trainings
   * @param {Map<string, Look>} looks by key
   */
  draw(trainings, looks) {
    this.#trainings = trainings;
    this.#looks = looks;
    this.#again();
  }

  /** Draws the choice of the axis. */
  #choose() {
    const axes = /** @type {[number, string][]} */ ([
      [0, this.labels.seconds],
      [1, this.labels.epochs],
    ]);
    const chosen = segments(axes, this.#axis, (axis) => {
      this.#axis = axis;
      this.#place = null;
      this.#choose();
      /** @type {HTMLElement} */ (this.bar.querySelector('.on'))?.focus();
      this.#again();
    });
    this.bar.replaceChildren(chosen);
  }

  /** @param {number} width */
  #drawn(width) {
    const series = this.#trainings.flatMap((one) => seriesOf(one, this.#lookOf(one), this.labels));
    this.legend.hidden = this.readout.hidden = !series.length;
    if (!series.length) return this.#empty();
    const drawn = lines(this.#chart(series), width, this.#axis);
    pointed(drawn.svg, (event) => {
      this.#say(drawn, drawn.read(event));
    });
    drawn.svg.addEventListener('pointerleave', ({ pointerType }) => {
      if (pointerType === 'mouse') this.#place = null; // a finger that is lifted has chosen
    });
    this.legend.replaceChildren(...drawn.entries);
    this.#shown = drawn;
    this.picture.tabIndex = 0; // the picture stays, and with it the focus, when the chart in it is drawn again
    this.readout.replaceChildren(...(this.#place === null ? drawn.step(0) : drawn.reach(this.#place)));
    if (document.activeElement !== this.picture) drawn.tell(this.picture); // else each new figure would be read
    return [drawn.svg];
  }

  /** Takes the slider away with the chart. */
  #empty() {
    this.#shown = null;
    noControl(this.picture);
    return [node('p', 'before', this.labels.before)];
  }

  /** @param {number} by places of the chart */
  #move(by) {
    if (this.#shown) this.#say(this.#shown, this.#shown.step(by));
  }

  /**
   * Shows where the reader has gone.
   * @param {DrawnLines} drawn
   * @param {HTMLElement[] | null} said
   */
  #say(drawn, said) {
    if (said) this.readout.replaceChildren(...said);
    drawn.tell(this.picture);
    this.#place = drawn.reached();
  }

  /** @param {Training} one */
  #lookOf(one) {
    return this.#looks.get(one.key) ?? look(0);
  }

  /**
   * @param {Series[]} series
   * @returns {import('../shared/lines.js').Lines}
   */
  #chart(series) {
    const { labels } = this;
    const best = this.#trainings.map(({ ngram }) => ngram).reduce((a, b) => (b.val_ppl < a.val_ppl ? b : a));
    const name = filled(labels.ngram, { order: best.order, ppl: best.val_ppl.toFixed(2) });
    const rules = best.order ? [{ name, y: best.val_ppl }] : [];
    const xs = [labels.seconds, labels.epochs];
    const about = { name: '', title: labels.chart, y: labels.perplexity };
    return { kind: 'lines', ...about, series, xs, log_x: false, ticks: [], rules };
  }
}

/**
 * The two lines of a training, without those that have no point yet.
 * @param {Training & { name?: string }} training
 * @param {Look} look
 * @param {Labels} labels
 * @returns {Series[]}
 */
export function seriesOf({ name = '', curve, losses }, { colour, mark }, labels) {
  const every = Math.ceil(losses.length / MOST);
  const thin = losses.filter((_, index) => (losses.length - 1 - index) % every === 0);
  const made = [
    {
      ...{
        name: `${name} · ${labels.heldout}`,
        short: name,
        colour,
        mark,
        dash: 0,
        dots: true,
      },
      points: curve.map(([epoch, seconds, , heldout]) => [seconds, epoch, heldout, null]),
    },
    {
      ...{ name: `${name} · ${labels.train}`, short: '', colour, mark, dash: 1, thin: true },
      points: thin.map(([epoch, seconds, ppl]) => [seconds, epoch, ppl, null]),
    },
  ];
  return made.filter((one) => one.points.length);
}
