// Draws the Watch view (see view.py): the models of a question, with a slider over their training that plays by itself.
import { opened, report } from '../shared/address.js';
import {
  answered,
  between,
  Carried,
  find,
  keepFocus,
  modified,
  node,
  onLanguage,
  pointed,
  segments,
  spoken,
  targetOf,
} from '../shared/dom.js';
import { lines } from '../shared/lines.js';
import { sized } from '../shared/sized.js';
import { chartOf, legendOf } from './curves.js';
import { cardOf } from './learner.js';
import { askedBy, AXES, KINDS, latest, pace, placesOf, queryOf } from './timeline.js';
import { Track } from './track.js';

/** @typedef {import('./timeline.js').Learner} Learner */
/** @typedef {import('./timeline.js').Asked} Asked */
/** @typedef {{ models: string[], colours: string[] }} Beside models side by side, with a colour for each */
/**
 * @typedef {object} Value
 * @property {(Beside & { key: string, title: string })[]} questions
 * @property {Record<string, Learner>} models
 * @property {boolean} marked whether the models come with what is copied
 * @property {string} command that trains a model which can be watched
 * @property {Record<string, string>} labels
 * @property {string} lang
 */
/** @typedef {{ error?: any, models: string[], colours: string[], found: Record<string, any> }} Answer */

const SETTLED = 300; // milliseconds from the last step to the change of the address

class Watch {
  /** What is shown. @type {Asked} */
  #now = { question: null, models: [], axis: 'epoch', place: null, kind: 'drawn' };
  /** @type {Beside} */
  #beside = { models: [], colours: [] };
  /** Models that the server was asked for, in both languages. @type {Record<string, any>} */
  #fetched = {};
  /** Why there are no models, in both languages; null: those that there are recorded nothing. @type {any} */
  #failure = null;
  /** The moments along the axis. @type {number[]} */
  #places = [];
  /** The timer of the next moment; 0: nothing plays. */
  #playing = 0;
  #settling = 0;
  /** Shows the present moment on each card. @type {ReturnType<typeof cardOf>['show'][]} */
  #cards = [];
  /** Shows the present moment in the chart. @type {(place: number) => void} */
  #chart = () => {};
  /** @type {Track | null} */
  #track = null;

  /**
   * @param {HTMLElement} root
   * @param {Carried<Value>} carried
   * @param {import('../shared/dom.js').Board['server']} server
   */
  constructor(root, carried, server) {
    this.root = root;
    this.carried = carried;
    this.server = server;
    document.addEventListener('keydown', (event) => this.#key(event));
  }

  /**
   * Shows what the address asks for; a view that is opened again is as the reader left it.
   * @param {boolean} [learnt] whether the models may have learned more than what is shown
   */
  async look(learnt = false) {
    if (opened() !== 'watch') return this.#pause();
    const { questions } = this.carried.given();
    const keys = questions.map((one) => one.key);
    const asked = askedBy(location.search, keys);
    if (!asked.question && !asked.models.length) asked.question = keys[0] ?? null;
    const isShown = asked.question === this.#now.question && String(asked.models) === String(this.#now.models);
    if (isShown && !learnt && asked.place === null && this.#places.length) this.#tell();
    else await this.#choose(asked);
  }

  /**
   * Shows models: at the asked moment, or else playing from the first.
   * @param {Asked} asked
   */
  async #choose(asked) {
    this.#pause();
    this.#now = asked;
    await this.#load(asked);
    if (this.#now !== asked) return; // the reader has chosen others meanwhile
    const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches;
    const { place } = asked;
    this.draw();
    if (!this.#places.length) return;
    if (place !== null) this.#go(Math.max(latest(this.#places, place), 0));
    else if (isStill) this.#go(this.#places.length - 1);
    else this.#play(0);
    this.#tell();
  }

  /**
   * Asks the server for models that the board does not have, or only without what is copied.
   * @param {Asked} asked
   */
  async #load(asked) {
    const { questions, marked } = this.carried.given();
    const question = questions.find((one) => one.key === asked.question);
    const names = question?.models ?? asked.models;
    this.#beside = question ?? { models: [], colours: [] };
    this.#failure = null;
    if (!names.length || (question && marked)) return;
    /** @type {Answer} */
    const answer = await answered(this.server.learners({ models: names }), this.carried.labels.failed);
    if (this.#now !== asked) return;
    if (answer.error) this.#failure = answer.error;
    else {
      Object.assign(this.#fetched, answer.found);
      this.#beside = answer;
    }
  }

  /** The models that are shown, in the reader's language. @returns {Learner[]} */
  #learners() {
    const { models } = this.carried.given();
    return this.#beside.models.map((name) => (name in this.#fetched ? spoken(this.#fetched[name]) : models[name]));
  }

  /** Draws everything anew. */
  draw() {
    keepFocus(this.root, () => this.#draw());
  }

  #draw() {
    const { questions, labels, command, lang } = this.carried.given();
    const learners = this.#learners();
    const chips = switchOf(
      questions.map(({ key, title }) => [key, title]),
      this.#now.question,
      (question) => this.#choose({ ...this.#now, question, models: [], place: null }),
    );
    chips.setAttribute('role', 'group');
    chips.setAttribute('aria-label', labels.questions);
    chips.classList.add('questions');
    const head = [node('p', 'hint', labels.intro), ...(questions.length ? [chips] : [])];
    if (!learners.length) {
      this.#places = [];
      const why = node('p', 'empty', this.#failure ? spoken(this.#failure) : labels.none);
      if (!this.#failure) why.append(between(lang), node('code', '', command));
      this.root.replaceChildren(...head, why);
      return;
    }
    this.#track = new Track(labels, { slide: (at) => this.#step(at), press: () => this.#toggle() });
    this.#track.playing(this.#playing > 0);
    this.root.replaceChildren(...head, this.#track.element, this.#bar(labels), this.#board(learners, labels));
    this.#arrange(learners, labels);
    const chosen = /** @type {HTMLElement | null} */ (chips.querySelector('.on'));
    if (chosen) chips.scrollLeft = chosen.offsetLeft - chips.offsetLeft; // on a phone, they are in one line
  }

  /**
   * The switches: along which axis, which texts; and what is marked in them.
   * @param {Record<string, string>} labels
   */
  #bar(labels) {
    const bar = node('div', 'bar');
    const axes = switchOf(
      AXES.map((axis) => [axis, labels[axis]]),
      this.#now.axis,
      (axis) => this.#along(axis),
    );
    const kinds = switchOf(
      KINDS.map((kind) => [kind, labels[kind]]),
      this.#now.kind,
      (kind) => {
        this.#now.kind = kind;
        this.#show();
        this.#settle();
      },
    );
    kinds.title = labels.kinds;
    const key = node('span', 'key');
    key.append(node('span', 'copied', labels.copied), node('span', '', labels.copied_hint));
    bar.append(named(axes, labels.by), named(kinds, labels.texts), key);
    return bar;
  }

  /**
   * The cards, and the place of the chart.
   * @param {Learner[]} learners
   * @param {Record<string, string>} labels
   */
  #board(learners, labels) {
    const board = node('div', 'learners');
    board.dataset.count = String(learners.length);
    board.dataset.lens = 'copied';
    const made = learners.map((one, index) => {
      const looks = { colour: this.#beside.colours[index], index };
      return cardOf(one, looks, labels, () => this.#step(latest(this.#places, one[this.#now.axis][one.best])));
    });
    board.append(...made.map(({ card }) => card));
    this.#cards = made.map(({ show }) => show);
    return board;
  }

  /**
   * Sets the moments along the axis, and draws the chart.
   * @param {Learner[]} learners
   * @param {Record<string, string>} labels
   */
  #arrange(learners, labels) {
    const { axis, place } = this.#now;
    const { colours } = this.#beside;
    this.#places = placesOf(learners, axis);
    this.#track?.set(learners, colours, axis);
    const figure = sized(node('figure', 'figure'), (width) => {
      const drawn = lines(chartOf(learners, colours, axis, labels), width, 0);
      pointed(drawn.svg, (event) => {
        if (event.buttons) this.#step(this.#places.indexOf(drawn.placeAt(event)));
      });
      this.#chart = drawn.go;
      if (this.#now.place !== null) drawn.go(this.#now.place);
      return [node('figcaption', '', labels.title), drawn.svg, legendOf(labels)];
    });
    this.root.querySelector('.figure')?.remove();
    this.root.append(figure);
    if (place !== null) this.#go(Math.max(latest(this.#places, place), 0));
  }

  /**
   * Goes on along another axis, at the moment that the first model is at.
   * @param {import('./timeline.js').Axis} axis
   */
  #along(axis) {
    const [first] = this.#learners();
    const at = Math.max(latest(first[this.#now.axis], this.#now.place ?? 0), 0);
    Object.assign(this.#now, { axis, place: first[axis][at] });
    this.#arrange(this.#learners(), this.carried.given().labels);
    this.#settle();
  }

  /** @param {number} at the index of a moment */
  #go(at) {
    this.#now.place = this.#places[at];
    this.#track?.go(at);
    this.#show();
  }

  #show() {
    const { axis, place, kind } = this.#now;
    if (place === null) return;
    this.#cards.forEach((show) => show(axis, place, kind));
    this.#chart(place);
  }

  /**
   * Goes where the reader wants.
   * @param {number} at the index of a moment
   */
  #step(at) {
    this.#pause();
    this.#go(Math.min(Math.max(at, 0), this.#places.length - 1));
    this.#settle();
  }

  /** The index of the present moment. */
  #at() {
    return latest(this.#places, this.#now.place ?? 0);
  }

  /** @param {number} from the index of the first moment */
  #play(from) {
    this.#go(from);
    clearTimeout(this.#playing);
    this.#playing = window.setTimeout(() => this.#next(), pace(this.#places.length));
    this.#track?.playing(true);
  }

  #next() {
    const at = this.#at() + 1;
    if (opened() === 'watch' && at < this.#places.length) return this.#play(at);
    this.#pause();
    this.#settle();
  }

  #pause() {
    clearTimeout(this.#playing);
    this.#playing = 0;
    this.#track?.playing(false);
  }

  #toggle() {
    if (this.#playing) this.#pause();
    else this.#play(this.#at() === this.#places.length - 1 ? 0 : this.#at());
    this.#settle();
  }

  /**
   * Space plays and pauses; the arrow keys go to the moment before and after, also where the slider is not focused, but
   * not where something outside of the view is.
   * @param {KeyboardEvent} event
   */
  #key(event) {
    const { key } = event;
    const target = targetOf(event);
    const isMeant = opened() === 'watch' && (target.contains(this.root) || this.root.contains(target));
    if (!isMeant || !this.#places.length || modified(event)) return;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
    if (key === ' ' && !target.closest('button')) this.#toggle();
    else if (step && !target.closest('input')) this.#step(this.#at() + step);
    else return;
    event.preventDefault();
  }

  /** Lets the address follow when the reader has stopped stepping: browsers limit how often it changes. */
  #settle() {
    clearTimeout(this.#settling);
    this.#settling = window.setTimeout(() => this.#tell(), SETTLED);
  }

  /** An address has no moment while it plays: what it leads to plays too. */
  #tell() {
    const { question, models } = this.#now;
    const shown = () => queryOf(this.#playing ? { ...this.#now, place: null } : this.#now);
    report('watch', shown, question ?? String(models));
  }
}

/**
 * A row of buttons that shows which one was pressed last.
 * @template T
 * @param {[T, string][]} entries
 * @param {T | null} chosen
 * @param {(value: T) => void} choose
 */
function switchOf(entries, chosen, choose) {
  const made = segments(entries, chosen, (value) => {
    [...made.children].forEach((one, index) => {
      one.classList.toggle('on', entries[index][0] === value);
      one.setAttribute('aria-pressed', String(entries[index][0] === value));
    });
    choose(value);
  });
  return made;
}

/**
 * @param {HTMLElement} group
 * @param {string} name
 */
function named(group, name) {
  const made = node('div', 'named');
  group.setAttribute('role', 'group');
  group.setAttribute('aria-label', name);
  made.append(node('span', '', name), group);
  return made;
}

/** @param {import('../shared/dom.js').Board} board */
export function mount({ element, props, labels, server }) {
  const root = find(element, '.watch');
  /** @type {Carried<Value>} */
  const carried = new Carried(props, labels);
  const view = new Watch(root, carried, server);
  view.look();
  document.addEventListener('address', (event) => {
    const { learnt } = /** @type {CustomEvent} */ (event).detail;
    queueMicrotask(() => view.look(learnt)); // the address bar changes after it
  });
  onLanguage(root, () => view.draw());
}
