// Draws the Inside view (see view.py): what the pictures show; the pictures, each of one model beside that of the other;
// and in a fold all layers at one character.
import {
  Carried,
  announcer,
  between,
  filled,
  find,
  keepFocus,
  langOf,
  listed,
  modified,
  node,
  onLanguage,
  pointed,
  segments,
  setText,
  tableOf,
  targetOf,
  visible,
} from '../shared/dom.js';
import { report } from '../shared/address.js';
import { echo, gradients, lens, numbers, states, without } from './pictures.js';

/** @typedef {import('./pictures.js').Look} Look */
/**
 * @typedef {object} Value
 * @property {string} text
 * @property {{ bold: string, rest: string }} headline
 * @property {string[]} notes
 * @property {Look[]} models
 * @property {Record<string, string>} labels
 * @property {string} lang
 */

/**
 * A table of what every layer of a model does at one character, with the prediction of each level that the head can read.
 * @param {Look} one
 * @param {number} at
 * @param {Record<string, string>} labels
 */
function across(one, at, labels) {
  const made = node('div', 'across');
  made.append(node('h4', '', one.title));
  const letters = Object.keys(one.gates);
  const isLast = at >= one.lens.nats[0].length;
  const layers = one.change.map((_, index) => index + 1);
  const levels = [...new Set([...layers, ...one.lens.levels])].sort((a, b) => a - b);
  const rows = levels.map((level) => {
    const { said, probability, nats } = one.lens;
    const place = isLast ? -1 : one.lens.levels.indexOf(level);
    return [
      level === 0 ? labels.embedding : filled(labels.layer, { n: level }),
      level && at > 0 ? (100 * one.change[level - 1][at - 1]).toFixed(0) + '%' : '',
      ...letters.map((letter) => (level ? one.gates[letter][level - 1][at].toFixed(2) : '')),
      ...(place < 0
        ? ['', '', '']
        : [visible(said[place][at]), probability[place][at].toFixed(2), nats[place][at].toFixed(2)]),
    ];
  });
  const gates = letters.map((letter) => labels['gate_' + letter]);
  const columns = [labels.col_layer, labels.change, ...gates, labels.col_says, labels.col_p, labels.col_nats];
  const place = columns.indexOf(labels.col_says);
  made.append(tableOf(columns, rows.reverse(), (line) => line.children[place].classList.add('said')));
  return made;
}

/**
 * The text, with one span for each character.
 * @param {string[]} characters
 * @param {string} label
 */
function stripOf(characters, label) {
  const strip = node('div', 'heat strip');
  strip.tabIndex = 0;
  strip.setAttribute('role', 'group');
  strip.setAttribute('aria-label', label);
  const lang = langOf(characters.join(''));
  characters.forEach((character, index) => {
    const span = node('span', '', character);
    span.dataset.index = String(index);
    span.lang = lang; // not that of the strip, whose name is in the page's
    strip.append(span);
  });
  return strip;
}

class Inside {
  /** The index of the character whose layers are shown. */
  at = 20;
  /** What is shown of the states: change, units, or a gate's letter. */
  shown = 'change';
  /** The layer whose units are shown. */
  layer = 0;
  /** @type {string[]} */
  characters = [];
  strip = node('div');
  /** The character whose layers are shown. */
  said = node('b', 'said');
  /** Whether the fold of all layers at that character is open. */
  unfolded = false;
  reading = node('div', 'beside');

  /** @param {import('../shared/dom.js').Board} board */
  constructor({ element, props, labels, watch }) {
    this.root = find(element, '.inside');
    /** @type {Carried<Value>} */
    this.carried = new Carried(props, labels);
    this.said.setAttribute('aria-live', 'polite');
    this.announce = announcer(element);
    this.draw();
    watch('value', () => this.draw());
    onLanguage(this.root, () => this.draw());
  }

  draw() {
    const { text, headline, models, notes, labels, lang } = this.carried.given();
    if (!models?.length) {
      this.root.replaceChildren(node('p', 'empty', labels.empty));
      return;
    }
    const names = listed(models.map((one) => one.model));
    report('inside', () => new URLSearchParams({ models: names, text }).toString());
    this.characters = Array.from(text);
    this.at = Math.min(this.at, this.characters.length - 1);
    this.strip = stripOf(this.characters, labels.hint);
    const verdict = node('div', 'verdict headline');
    verdict.append(node('b', '', headline.bold), ' ', node('span', 'note', headline.rest));
    const pictures = node('div', 'pairs');
    pictures.append(
      this.#bar(models, labels),
      states(models, labels, this.shown, this.layer),
      without(models, labels),
      gradients(models, labels),
      echo(models, labels),
      lens(models, labels),
    );
    pointed(this.strip, (event) => this.#follow(event));
    pointed(pictures, (event) => this.#follow(event));
    this.strip.addEventListener('keydown', (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step || modified(event)) return;
      event.preventDefault();
      this.#point(this.at + step);
    });
    const said = notes.map((note) => node('p', 'note', note));
    const explained = node('p', 'explain');
    explained.append(this.said, ` ${labels.hint}`);
    this.root.replaceChildren(verdict, ...said, this.strip, explained, pictures, this.#fold(labels));
    this.announce([headline.bold, headline.rest, ...notes].join(between(lang)));
    this.#point(this.at);
  }

  /** @param {Record<string, string>} labels */
  #fold(labels) {
    const fold = node('details', 'reading-across');
    fold.open = this.unfolded;
    fold.addEventListener('toggle', () => (this.unfolded = fold.open));
    fold.append(node('summary', '', labels.across), this.reading);
    return fold;
  }

  /**
   * The buttons that choose what is shown of the states.
   * @param {Look[]} models
   * @param {Record<string, string>} labels
   */
  #bar(models, labels) {
    const letters = [...new Set(models.flatMap((one) => Object.keys(one.gates)))];
    const kinds = ['change', ...letters, 'units'];
    if (!kinds.includes(this.shown)) this.shown = 'change';
    const entries = kinds.map(
      (kind) => /** @type {[string, string]} */ ([kind, labels[letters.includes(kind) ? 'gate_' + kind : kind]]),
    );
    const bar = node('div', 'bar');
    const choice = segments(entries, this.shown, (picked) => {
      this.shown = picked;
      keepFocus(this.root, () => this.draw());
    });
    bar.append(choice);
    const deepest = Math.max(...models.map((one) => one.change.length));
    if (this.shown !== 'units' || deepest === 1) return bar;
    const layers = numbers(deepest).map((name, index) => /** @type {[number, string]} */ ([index, name]));
    const choiceOfLayer = segments(layers, Math.min(this.layer, deepest - 1), (picked) => {
      this.layer = picked;
      keepFocus(this.root, () => this.draw());
    });
    bar.append(choiceOfLayer);
    return bar;
  }

  /**
   * Shows the layers at the character under the pointer, in the text or on a map.
   * @param {PointerEvent} event
   */
  #follow(event) {
    const target = targetOf(event);
    const { index } = target.dataset;
    const map = target.closest?.('.timed .frame');
    if (index !== undefined) this.#pointOnce(Number(index));
    else if (map) {
      const box = map.getBoundingClientRect();
      this.#pointOnce(Math.floor(((event.clientX - box.left) / box.width) * this.characters.length));
    }
  }

  /** @param {number} at */
  #pointOnce(at) {
    if (this.#clamp(at) !== this.at) this.#point(at);
  }

  /** @param {number} at */
  #clamp(at) {
    return Math.max(0, Math.min(this.characters.length - 1, at));
  }

  /**
   * Shows all layers at one character.
   * @param {number} at
   */
  #point(at) {
    const { characters } = this;
    const { models, labels } = this.carried.given();
    this.at = this.#clamp(at);
    this.strip.querySelectorAll('.at').forEach((span) => span.classList.remove('at'));
    this.strip.children[this.at].classList.add('at');
    const left = (100 * (this.at + 0.5)) / characters.length + '%';
    this.root.querySelectorAll('.timed .cursor').forEach((line) => {
      /** @type {HTMLElement} */ (line).style.left = left;
    });
    const before = characters.slice(Math.max(0, this.at - 11), this.at + 1).map(visible);
    const next = this.at + 1 < characters.length ? visible(characters[this.at + 1]) : '…';
    const place = filled(labels.next, { prefix: `“…${before.join('')}”`, char: next });
    setText(this.said, place);
    this.reading.replaceChildren(...models.map((one) => across(one, this.at, labels)));
  }
}

/** @param {import('../shared/dom.js').Board} board */
export function mount(board) {
  new Inside(board);
}
