// Draws the Train view (see view.py): the form, and below it the trainings of each text side by side.
import { Carried, filled, find, glideTo, node, onLanguage, spoken } from '../shared/dom.js';
import { keep } from '../shared/drafts.js';
import { refresh } from '../shared/own.js';
import { identify } from '../shared/visitor.js';
import { Card, commandLine } from './cards.js';
import { AGAIN, Trainings, ask, failure } from './client.js';
import { Form } from './form.js';
import { Race, look } from './race.js';

/** @typedef {import('./client.js').Training} Training */
/** @typedef {import('./form.js').Offer} Offer */
/** @typedef {Offer & { labels: Record<string, string> }} Value */

/**
 * What a training reads: perplexities of the same text in another form cannot be compared.
 * @param {Training} training
 */
const whatItReads = ({ source, options }) => `${options.form} ${source}`;

/** The trainings of one text: a chart and cards. */
class Group {
  /** @type {Map<string, Card>} */
  #cards = new Map();

  /**
   * @param {Record<string, string>} labels
   * @param {import('./cards.js').Actions} actions
   */
  constructor(labels, actions) {
    this.labels = labels;
    this.actions = actions;
    this.element = node('section', 'group');
    this.heading = node('h3');
    this.race = new Race(labels);
    this.cards = node('div', 'training-cards');
    this.element.append(this.heading, this.race.element, this.cards);
  }

  /**
   * @param {Training[]} trainings
   * @param {Map<string, import('./race.js').Look>} looks
   */
  update(trainings, looks) {
    this.element.dataset.count = String(trainings.length);
    const text = spoken(trainings[0].text) || this.labels.pasted;
    const form = trainings[0].options.form === 'd2l' ? ` · ${this.labels.d2l}` : '';
    this.heading.textContent = filled(this.labels.trained_on, { text: text + form });
    const named = trainings.map((one) => ({ ...one, name: spoken(one.title) }));
    this.race.draw(named, looks);
    for (const [key, card] of this.#cards) {
      if (trainings.some((one) => one.key === key)) continue;
      card.element.remove();
      this.#cards.delete(key);
    }
    trainings.forEach((one) => {
      const card = this.#cards.get(one.key) ?? new Card(this.labels, looks.get(one.key) ?? look(0), this.actions);
      if (!this.#cards.has(one.key)) this.cards.append(card.element);
      this.#cards.set(one.key, card);
      card.update(one);
    });
  }
}

/** The models of which the pickers were told, as text. */
let told = '[]';

/** The view in one language; when the language changes, another one is made. */
class View {
  /** @type {Map<string, Group>} */
  #groups = new Map();
  /** @type {Map<string, import('./race.js').Look>} */
  #looks = new Map();

  /** Whether a training was started that is not shown yet. */
  #begun = false;

  /**
   * @param {Value} value
   * @param {Trainings} trainings
   */
  constructor(value, trainings) {
    this.labels = value.labels;
    this.trainings = trainings;
    this.problem = node('p', 'problem');
    this.problem.setAttribute('role', 'alert');
    this.groups = node('div', 'groups');
    this.form = value.minutes ? new Form(value, value.labels, (started) => this.#started(started)) : null;
    const intro = node('p', 'hint', value.intro);
    const body = this.form ? [this.form.element, node('p', 'hint', value.kept)] : [athome(value)];
    this.elements = [intro, ...body, this.problem, this.groups];
  }

  /** @param {boolean} started whether a training was started, or only the text is another one */
  #started(started) {
    if (started) {
      this.trainings.listen();
      this.#begun = true;
    }
    this.update();
  }

  update() {
    const all = [...this.trainings.all.values()];
    this.#tellModels(all);
    all.forEach(({ key }) => this.#looks.has(key) || this.#looks.set(key, look(this.#looks.size)));
    const read = [...new Set(all.map(whatItReads).reverse())];
    for (const [what, group] of this.#groups) {
      if (read.includes(what)) continue;
      group.element.remove();
      this.#groups.delete(what);
    }
    read.forEach((what, index) => {
      const group = this.#groups.get(what) ?? new Group(this.labels, this);
      this.#groups.set(what, group);
      if (this.groups.children[index] !== group.element) {
        this.groups.insertBefore(group.element, this.groups.children[index] ?? null);
      }
      group.update(
        all.filter((one) => whatItReads(one) === what),
        this.#looks,
      );
    });
    const first = this.groups.firstElementChild;
    if (this.#begun && first) {
      this.#begun = false;
      if (first.getBoundingClientRect().top > 0.6 * window.innerHeight) glideTo(first);
    }
    this.form?.name(all.some(({ source }) => source === this.form?.source.chosen?.source));
  }

  /**
   * Tells the pickers if a model has come, was kept or removed.
   * @param {Training[]} all
   */
  #tellModels(all) {
    const models = JSON.stringify(all.filter(({ model }) => model).map(({ model, keepable }) => [model, keepable]));
    if (models !== told) refresh();
    told = models;
  }

  /** @param {Training} training */
  vary(training) {
    this.form?.vary(training);
  }

  /**
   * @param {'stop' | 'resume' | 'remove' | 'keep'} what
   * @param {Training} training
   */
  async act(what, { key }) {
    this.problem.textContent = '';
    try {
      const answer = await ask('ask', { do: what, key });
      if (answer.refused) this.problem.textContent = spoken(answer.refused);
      else if (what === 'remove') this.trainings.forget(key);
      if (answer.kept) this.problem.textContent = filled(this.labels.kept, { name: answer.kept });
    } catch (error) {
      this.tell(error);
    }
    this.trainings.listen();
    if (document.activeElement !== document.body) return;
    const next = this.groups.querySelector('button') ?? this.form?.source.text; // the pressed one may be gone
    if (next instanceof HTMLElement) next.focus({ preventScroll: true });
  }

  /** @param {unknown} error why a request failed */
  tell(error) {
    const said = failure(error, this.labels);
    if (this.problem.textContent !== said) this.problem.textContent = said; // it is read aloud when it changes
  }
}

/**
 * How to train where this server does not.
 * @param {Value} value
 */
function athome({ off, at_home, line, labels }) {
  const made = node('div', 'verdict');
  made.append(node('p', '', off), ...at_home.map((one) => commandLine(one, labels)));
  made.append(node('p', '', labels.line), commandLine(line, labels));
  return made;
}

/** @param {import('../shared/dom.js').Board} board */
export function mount({ element, props, labels, watch }) {
  const root = find(element, '.training');
  /** @type {Carried<Value>} */
  const carried = new Carried(props, labels);
  const trainings = new Trainings((lost) => {
    view?.update();
    if (lost && view) view.problem.textContent = view.labels.lost;
  });
  /** @type {import('./client.js').Book[]} */
  let books = [];
  /** @type {View | undefined} */
  let view;
  const draw = () => {
    const before = view?.form;
    view = new View(carried.given(), trainings);
    view.form?.source.offerBooks(books);
    if (before) view.form?.adopt(before);
    root.replaceChildren(...view.elements);
    view.update();
  };
  draw();
  watch('value', draw);
  onLanguage(root, draw);
  if (!carried.given().minutes) return;
  identify();
  const draft = keep('training', () => view?.form?.draft());
  const load = () =>
    trainings.load().then(
      (found) => {
        books = found;
        view?.form?.source.offerBooks(books);
        if (view) view.problem.textContent = '';
      },
      (error) => {
        view?.tell(error);
        setTimeout(load, AGAIN);
      },
    );
  load().then(() => draft && view?.form?.restore(draft)); // one of the texts at hand may have been chosen
}
