// A card for each training: how far it is, what it writes, what can be done with it.
import { announcer, button, copy, filled, langOf, node, setText, shape, spoken } from '../shared/dom.js';
import { counted, mark } from '../shared/charts.js';

/** @typedef {import('./client.js').Training} Training */
/** @typedef {import('./race.js').Look} Look */
/** @typedef {Record<string, string>} Labels */

/**
 * What a card can ask for.
 * @typedef {object} Actions
 * @property {(what: 'stop' | 'resume' | 'remove' | 'keep', training: Training) => void} act
 * @property {(training: Training) => void} vary
 */

const LIVE = ['running', 'stopping'];

/** The card of one training, whose parts stay when its values change. */
export class Card {
  /** @type {Training | null} */
  #shown = null;
  #buttons = '';
  /** The command that is shown. */
  #command = '';

  /**
   * @param {Labels} labels
   * @param {Look} look
   * @param {Actions} actions
   */
  constructor(labels, look, actions) {
    this.labels = labels;
    this.actions = actions;
    this.element = node('article', 'training-card');
    this.heading = node('h4');
    this.state = node('p', 'state');
    this.bar = node('progress');
    this.figures = node('p', 'figures');
    this.told = node('p', 'told');
    this.sample = node('p', 'sample');
    this.sample.tabIndex = 0;
    this.written = node('span');
    this.sample.append(this.written);
    this.doing = node('div', 'doing');
    this.line = node('details', 'line');
    const sample = shape('svg', {
      viewBox: '0 0 14 14',
      width: 14,
      height: 14,
      class: look.colour,
      'aria-hidden': 'true',
    });
    sample.append(mark(look.mark, 7, 7, 5, true));
    this.name = node('span');
    this.heading.append(sample, this.name);
    this.element.append(
      this.heading,
      this.state,
      this.bar,
      this.figures,
      this.told,
      this.sample,
      this.doing,
      this.line,
    );
    this.announce = announcer(this.element);
  }

  /** @param {Training} training */
  update(training) {
    const { labels } = this;
    this.#shown = training;
    const title = spoken(training.title);
    setText(this.name, title);
    this.element.setAttribute('aria-label', title);
    this.element.dataset.key = training.key;
    this.element.dataset.state = training.state;
    const state = said(training, labels);
    setText(this.state, state);
    this.announce(filled(labels.of, { action: state, title }));
    this.bar.setAttribute('aria-label', labels.length);
    const { progress, epochs, sample } = training;
    this.bar.max = epochs;
    this.bar.value = training.state === 'finished' ? epochs : (progress?.epoch ?? 0);
    setText(this.figures, figuresOf(training, labels));
    setText(this.told, sample ? filled(labels.sample, { epoch: sample[0] }) : labels.no_sample);
    setText(this.written, sample ? sample[1] : '');
    this.written.lang = langOf(this.written.textContent ?? ''); // not that of the sample, whose name is in the page's
    this.sample.setAttribute('aria-label', this.told.textContent ?? '');
    this.#offer(training, title);
  }

  /**
   * The buttons and links; they are made again only when there are others.
   * @param {Training} training
   * @param {string} title
   */
  #offer(training, title) {
    const { state, resumable, model, keepable } = training;
    const what = JSON.stringify([state, resumable, model, keepable, training.command]);
    if (what === this.#buttons) return;
    this.#buttons = what;
    const focused = this.doing.contains(document.activeElement) && document.activeElement?.textContent;
    const { labels, actions } = this;
    const one = (/** @type {string} */ label, /** @type {(event: MouseEvent) => void} */ press) => {
      const made = button('', label, press);
      made.setAttribute('aria-label', filled(labels.of, { action: label, title }));
      return made;
    };
    const act = (/** @type {'stop' | 'resume' | 'keep'} */ name) =>
      one(labels[name], () => actions.act(name, /** @type {Training} */ (this.#shown)));
    const made = [];
    if (state === 'running' || state === 'waiting') made.push(act('stop'));
    if (resumable) made.push(act('resume'));
    if (model) made.push(...linksOf(training, labels, title));
    if (model && keepable) made.push(act('keep'));
    made.push(one(labels.vary, () => actions.vary(/** @type {Training} */ (this.#shown))));
    if (!LIVE.includes(state)) made.push(this.#remove(title));
    this.doing.replaceChildren(...made);
    const there = /** @type {HTMLElement[]} */ ([...this.doing.querySelectorAll('button, a')]);
    const again = there.find((one) => one.textContent === focused) ?? this.doing.querySelector('button');
    if (focused) again?.focus({ preventScroll: true });
    if (this.#command === training.command) return;
    this.#command = training.command;
    this.line.replaceChildren(node('summary', '', labels.command), commandLine(training.command, labels));
  }

  /**
   * A button that removes at its second press, unless the reader has left it between them.
   * @param {string} title
   */
  #remove(title) {
    const { labels, actions } = this;
    let sure = false;
    const say = (/** @type {string} */ label) => {
      made.textContent = label;
      made.setAttribute('aria-label', filled(labels.of, { action: label, title }));
    };
    const made = button('', labels.remove, () => {
      if (sure) return actions.act('remove', /** @type {Training} */ (this.#shown));
      sure = true;
      say(labels.really);
      made.focus({ preventScroll: true }); // some browsers give a button that is clicked no focus
    });
    made.addEventListener('blur', () => {
      sure = false;
      say(labels.remove);
    });
    say(labels.remove);
    return made;
  }
}

/**
 * A command with a button that copies it.
 * @param {string} command
 * @param {Labels} labels
 */
export function commandLine(command, labels) {
  const made = node('div', 'command');
  const text = node('code', '', command);
  made.append(
    text,
    button('', labels.copy, (event) => copy(command, /** @type {HTMLElement} */ (event.target), labels.copied)),
  );
  return made;
}

/**
 * Links to what can be done with a model, and its download.
 * @param {Training} training
 * @param {Labels} labels
 * @param {string} title
 */
function linksOf({ model, beside }, labels, title) {
  const names = [model, beside].filter(Boolean).join(',');
  const views = [
    [`?view=compare&models=${names}`, labels.compare],
    [`?view=score&models=${names}`, labels.score],
    [`?view=inside&models=${names}`, labels.inside],
    [`?view=watch&models=${names}`, labels.watch],
    [`download/${model}.zip`, labels.download],
  ];
  return views.map(([href, label]) => {
    const link = node('a', 'do', label);
    link.href = href;
    link.setAttribute('aria-label', filled(labels.of, { action: label, title }));
    if (!href.startsWith('?')) link.download = `${model}.zip`;
    return link;
  });
}

/**
 * What is said of the state of a training.
 * @param {Training} training
 * @param {Labels} labels
 */
function said({ state, place, progress, reason }, labels) {
  if (state === 'waiting') return filled(labels.state_waiting, { place });
  if (state === 'running' && !progress) return labels.state_starting;
  const ended = reason ? spoken(reason) : '';
  return (
    ended ||
    {
      running: labels.state_running,
      stopping: labels.state_stopping,
      stopped: labels.state_stopped,
      finished: labels.state_finished,
      failed: labels.state_failed,
    }[state]
  );
}

/**
 * How far a training is and how good it has become.
 * @param {Training} training
 * @param {Labels} labels
 */
export function figuresOf({ state, epochs, progress, curve, reached, ngram }, labels) {
  const parts = [];
  if (progress) {
    const at = state === 'finished' ? epochs : Math.floor(progress.epoch);
    parts.push(filled(labels.epoch, { at, all: counted(epochs) }));
    parts.push(filled(labels.speed, { n: counted(progress.chars_per_second) }));
    if (state === 'running') parts.push(filled(labels.left, { n: counted(Math.ceil(progress.seconds_left)) }));
  }
  const best = Math.min(...curve.map((point) => point[3]));
  if (curve.length) parts.push(filled(labels.best, { ppl: best.toFixed(2) }));
  if (reached.heldout_ppl) {
    const beside = { order: ngram.order, ngram: ngram.ppl.toFixed(2) };
    parts.push(filled(labels.reached, { ppl: reached.heldout_ppl.toFixed(2), ...beside }));
  }
  return parts.join(' · ');
}
