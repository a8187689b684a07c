// Draws the Inside view (see view.py): a column of pictures for each model, and all of its layers at one character.
import {
  Carried,
  filled,
  find,
  listed,
  node,
  onLanguage,
  pointed,
  segments,
  tableOf,
  targetOf,
  visible,
} from '../shared/dom.js';
import { report } from '../shared/address.js';
import { echo, gradients, lens, numbers, states, without } from './pictures.js';

/** @typedef {import('./pictures.js').Look} Look */
/** @typedef {{ text: string, notes: string[], models: Look[], labels: Record<string, string> }} Value */

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
  characters.forEach((character, index) => {
    const span = node('span', '', character);
    span.dataset.index = String(index);
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
  reading = node('div');

  /** @param {import('../shared/dom.js').Board} board */
  constructor({ element, props, labels, watch }) {
    this.root = find(element, '.inside');
    /** @type {Carried<Value>} */
    this.carried = new Carried(props, labels);
    this.draw();
    watch('value', () => this.draw());
    onLanguage(this.root, () => this.draw());
  }

  draw() {
    const { text, models, notes, labels } = this.carried.given();
    if (!models?.length) {
      this.root.replaceChildren(node('p', 'empty', labels.empty));
      return;
    }
    const names = listed(models.map((one) => one.model));
    report('inside', () => new URLSearchParams({ models: names, text }).toString());
    this.characters = Array.from(text);
    this.at = Math.min(this.at, this.characters.length - 1);
    this.strip = stripOf(this.characters, labels.hint);
    this.reading = node('div', 'reading-across');
    const bar = this.#bar(models, labels);
    const columns = node('div', 'beside');
    columns.append(...models.map((one) => this.#column(one, models, labels)));
    pointed(this.strip, (event) => this.#follow(event));
    pointed(columns, (event) => this.#follow(event));
    this.strip.addEventListener('keydown', (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      this.#point(this.at + step);
    });
    const said = [labels.hint, ...notes].map((note) => node('p', 'note', note));
    this.root.replaceChildren(...said, this.strip, this.reading, bar, columns);
    this.#point(this.at);
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
      this.draw();
    });
    bar.append(choice);
    const deepest = Math.max(...models.map((one) => one.change.length));
    if (this.shown !== 'units' || deepest === 1) return bar;
    const layers = numbers(deepest).map((name, index) => /** @type {[number, string]} */ ([index, name]));
    const choiceOfLayer = segments(layers, Math.min(this.layer, deepest - 1), (picked) => {
      this.layer = picked;
      this.draw();
    });
    bar.append(choiceOfLayer);
    return bar;
  }

  /**
   * @param {Look} one
   * @param {Look[]} all
   * @param {Record<string, string>} labels
   */
  #column(one, all, labels) {
    const column = node('section', 'inside-model');
    column.dataset.model = one.model;
    column.append(
      node('h3', one.cell, one.title),
      states(one, labels, this.shown, this.layer),
      lens(one, labels),
      echo(one, labels),
      without(one, all, labels),
      gradients(one, all, labels),
    );
    return column;
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
    const said = node('p', 'explain', filled(labels.next, { prefix: `“…${before.join('')}”`, char: next }));
    said.setAttribute('aria-live', 'polite');
    const tables = node('div', 'beside');
    tables.append(...models.map((one) => across(one, this.at, labels)));
    this.reading.replaceChildren(said, tables);
  }
}

/** @param {import('../shared/dom.js').Board} board */
export function mount(board) {
  new Inside(board);
}
