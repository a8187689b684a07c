// The form of the Train view: a text, the choices, what to expect of them, and the button that starts.
import { node, setText, spoken } from '../shared/dom.js';
import { Choices } from './choices.js';
import { failure } from './client.js';
import { PAUSE, Source } from './source.js';

/** @typedef {import('./client.js').Training} Training */
/** @typedef {Record<string, string>} Labels */

/**
 * What the view offers (see `form` in view.py).
 * @typedef {object} Offer
 * @property {number} minutes
 * @property {string} intro
 * @property {string} kept
 * @property {string} off
 * @property {string[]} at_home
 * @property {string} line
 * @property {[string, string][]} cells
 * @property {string} cell
 * @property {number} layers
 * @property {number[]} widths
 * @property {number} most_epochs
 * @property {number} start_minutes
 * @property {number} least_bytes
 * @property {number} most_bytes
 * @property {string} size
 */

export class Form {
  #timer = 0;
  #turn = 0;
  #starting = false;

  /**
   * @param {Offer} offer
   * @param {Labels} labels
   * @param {(started: boolean) => void} changed is called when a training was started, or the text is another one
   */
  constructor(offer, labels, changed) {
    this.labels = labels;
    this.changed = changed;
    this.source = new Source(offer, labels, () => this.#soon());
    this.choices = new Choices(offer, labels, () => this.#soon());
    this.estimate = node('p', 'estimate', labels.no_text);
    this.estimate.setAttribute('role', 'status');
    this.hint = node('p', 'note');
    this.command = node('code', 'line');
    this.go = node('button', 'go', labels.start);
    this.go.type = 'submit';
    this.go.disabled = true;
    const said = node('div', 'said');
    said.append(this.estimate, this.hint, this.command);
    const ready = node('div', 'ready');
    ready.append(said, this.go);
    this.element = node('form', 'bring');
    this.element.noValidate = true;
    this.element.append(this.source.element, this.choices.element, ready);
    this.element.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#start();
    });
  }

  /** @param {boolean} variant whether there are trainings of the chosen text */
  name(variant) {
    this.go.textContent = variant ? this.labels.variant : this.labels.start;
  }

  /**
   * Takes the text and the choices of a training, so that one of them can be changed.
   * @param {Training} training
   */
  vary({ source, text, options }) {
    this.choices.set(options);
    this.source.keep(source, spoken(text));
    this.element.scrollIntoView({ block: 'nearest' });
    this.choices.cell.focus();
  }

  /**
   * Takes over what is in a form in another language.
   * @param {Form} other
   */
  adopt(other) {
    this.choices.set(other.choices.options());
    this.source.adopt(other.source);
  }

  /** What is in the form, to be taken again when the page is loaded again. */
  draft() {
    return { options: this.choices.options(), ...this.source.draft() };
  }

  /** @param {ReturnType<Form['draft']>} draft */
  restore(draft) {
    this.choices.set(draft.options);
    this.source.restore(draft);
  }

  /** Asks for an estimate as soon as nothing changes any more. */
  #soon() {
    clearTimeout(this.#timer);
    const turn = ++this.#turn;
    this.go.disabled = true;
    if (this.source.ready) this.#timer = window.setTimeout(() => this.#expect(turn), PAUSE);
    else this.#tell(this.labels.no_text);
  }

  /** @param {number} turn */
  async #expect(turn) {
    if (!this.command.textContent) this.#tell(this.labels.counting);
    const answer = await this.#sent('estimate');
    if (turn !== this.#turn) return;
    this.go.disabled = Boolean(answer?.refused);
    if (!answer) return; // starting asks the server again
    if (answer.refused) this.#tell(spoken(answer.refused));
    else this.#tell(spoken(answer.said), spoken(answer.hint), answer.command);
    this.changed(false);
  }

  async #start() {
    if (this.go.disabled || this.#starting) return;
    this.#starting = true; // a button that is disabled would lose the focus
    this.go.setAttribute('aria-disabled', 'true');
    const answer = await this.#sent('start');
    this.#starting = false;
    this.go.removeAttribute('aria-disabled');
    if (answer?.refused) this.#tell(spoken(answer.refused));
    else if (answer) this.changed(true);
  }

  /**
   * @param {'estimate' | 'start'} what
   * @returns {Promise<any>} null: the server did not answer
   */
  async #sent(what) {
    try {
      return await this.source.send({ do: what, options: this.choices.options() });
    } catch (error) {
      this.#tell(failure(error, this.labels));
      return null;
    }
  }

  /**
   * @param {string} estimate
   * @param {string} hint
   * @param {string} command
   */
  #tell(estimate, hint = '', command = '') {
    setText(this.estimate, estimate);
    this.hint.textContent = hint;
    this.command.textContent = command;
  }
}
