// What can be chosen of a training: the network, the form of the text, how long.
import { filled, node } from '../shared/dom.js';

/** @typedef {import('./client.js').Options} Options */
/** @typedef {import('./form.js').Offer} Offer */
/** @typedef {Record<string, string>} Labels */

const EPOCHS = 10; // where somebody changes from minutes to epochs

export class Choices {
  /**
   * @param {Offer} offer
   * @param {Labels} labels
   * @param {() => void} changed
   */
  constructor(offer, labels, changed) {
    this.offer = offer;
    this.labels = labels;
    const automatic = /** @type {[string, string]} */ (['', labels.automatic]);
    const layers = [...Array(offer.layers).keys()].map((n) => n + 1);
    this.cell = choice(offer.cells, offer.cell);
    this.layers = choice([automatic, ...counted(layers)], '');
    this.width = choice([automatic, ...counted(offer.widths)], '');
    this.wiring = choice([automatic, ['residual', labels.residual], ['plain', labels.plain]], '');
    const forms = /** @type {[string, string][]} */ ([
      ['full', labels.full],
      ['d2l', labels.d2l],
    ]);
    this.form = choice(forms, 'full');
    const units = /** @type {[string, string][]} */ ([
      ['minutes', labels.minutes],
      ['epochs', labels.epochs],
    ]);
    this.unit = choice(units, 'minutes');
    this.unit.setAttribute('aria-label', labels.length);
    this.length = node('input');
    this.length.type = 'number';
    this.length.value = String(offer.start_minutes);
    this.most = node('span', 'most');
    this.unit.addEventListener('change', () => {
      this.length.value = String(this.unit.value === 'minutes' ? offer.start_minutes : EPOCHS);
      this.#bound();
    });
    this.#bound();
    this.element = this.#laidOut();
    this.element.addEventListener('input', changed);
  }

  #laidOut() {
    const { labels } = this;
    const made = node('div', 'choices-part');
    const long = node('div', 'long');
    long.append(named(labels.length, this.length), this.unit, this.most);
    made.append(
      named(labels.cell, this.cell),
      named(labels.layers, this.layers),
      named(labels.width, this.width),
      named(labels.wiring, this.wiring),
      named(labels.form, this.form),
      long,
    );
    return made;
  }

  /** Sets the ends of the number for its unit. */
  #bound() {
    const minutes = this.unit.value === 'minutes';
    this.length.min = minutes ? '0.5' : '1';
    this.length.step = minutes ? '0.5' : '1';
    this.length.max = String(minutes ? this.offer.minutes : this.offer.most_epochs);
    this.most.textContent = minutes ? filled(this.labels.up_to, { n: this.offer.minutes }) : '';
  }

  /** @returns {Options} */
  options() {
    const number = (/** @type {HTMLSelectElement} */ one) => (one.value ? Number(one.value) : null);
    const minutes = this.unit.value === 'minutes';
    const long = Number(this.length.value);
    return {
      cell: this.cell.value,
      layers: number(this.layers),
      hidden: number(this.width),
      residual: this.wiring.value ? this.wiring.value === 'residual' : null,
      form: this.form.value,
      minutes: minutes ? long : this.offer.start_minutes,
      epochs: minutes ? null : long,
    };
  }

  /** @param {Options} options */
  set(options) {
    this.cell.value = options.cell;
    this.layers.value = String(options.layers ?? '');
    this.width.value = String(options.hidden ?? '');
    this.wiring.value = options.residual === null ? '' : options.residual ? 'residual' : 'plain';
    this.form.value = options.form;
    this.unit.value = options.epochs === null ? 'minutes' : 'epochs';
    this.length.value = String(options.epochs ?? options.minutes);
    this.#bound();
  }
}

/**
 * @param {number[]} numbers
 * @returns {[string, string][]}
 */
const counted = (numbers) => numbers.map((n) => [String(n), String(n)]);

/**
 * A control below its name.
 * @param {string} name
 * @param {HTMLElement} control
 */
export function named(name, control) {
  const made = node('label', 'named');
  made.append(node('span', '', name), control);
  return made;
}

/**
 * @param {[string, string][]} entries values with their names
 * @param {string} chosen
 */
function choice(entries, chosen) {
  const made = node('select');
  entries.forEach(([value, text]) => {
    const one = node('option', '', text);
    one.value = value;
    made.append(one);
  });
  made.value = chosen;
  return made;
}
