// The text of a training: pasted, opened, dropped, or one that is at hand.
import { counted } from '../shared/charts.js';
import { announcer, button, filled, node, spoken } from '../shared/dom.js';
import { named } from './choices.js';
import { ask } from './client.js';
import { textIn } from './reading.js';

/** @typedef {import('./client.js').Book} Book */
/** @typedef {import('./form.js').Offer} Offer */
/** @typedef {Record<string, string>} Labels */
/** @typedef {(labels: Labels) => string} More */

export const PAUSE = 400; // milliseconds after the last change until something is done with it
const SHOWN = 600; // characters of an opened file that are shown
const TITLE = 60; // characters
const MOST_BYTES_FOR_ONE = 2; // bytes of a file for one byte of its text in UTF-8: those of English in UTF-16

export class Source {
  /** The text as the server knows it. @type {{ source: string, title: string } | null} */
  chosen = null;
  /** What was brought in this page; the server may have lost it. @type {{ text: string, title: string } | null} */
  #brought = null;
  /** What was last brought, also if it does not fit. @type {{ text: string, title: string, more?: More } | null} */
  #last = null;
  /** @type {Book[]} */
  #books = [];
  /** When screen readers are told of the text. */
  #timer = 0;

  /**
   * @param {Offer} offer
   * @param {Labels} labels
   * @param {() => void} changed
   */
  constructor(offer, labels, changed) {
    this.offer = offer;
    this.labels = labels;
    this.changed = changed;
    this.text = node('textarea');
    this.text.spellcheck = false;
    this.text.addEventListener('input', () => {
      this.books.value = '';
      this.text.classList.remove('taken');
      this.#bring(this.text.value, '');
    });
    this.file = node('input', 'file');
    this.file.type = 'file';
    this.file.accept = 'text/*,.txt,.md,.csv,.tex,.srt';
    this.file.tabIndex = -1;
    this.file.setAttribute('aria-label', labels.open);
    this.file.addEventListener('change', () => this.file.files?.[0] && this.#read(this.file.files[0]));
    this.books = node('select');
    this.books.addEventListener('change', () => this.#take(this.books.value));
    this.offerBooks([]);
    this.note = node('p', 'note');
    this.element = this.#laidOut();
    this.announce = announcer(this.element);
    this.#show('');
  }

  /**
   * Shows the beginning of a text that is not in the box itself; what is typed there replaces it.
   * @param {string} beginning
   */
  #show(beginning) {
    this.text.value = '';
    this.text.placeholder = beginning || `${this.labels.paste}\n${this.offer.size}`;
    this.text.classList.toggle('taken', beginning !== '');
  }

  /** Whether there is a text to be trained on. */
  get ready() {
    return Boolean(this.chosen ?? this.#brought);
  }

  #laidOut() {
    const made = node('div', 'text-part');
    const ways = node('div', 'ways');
    ways.append(
      button('open', this.labels.open, () => this.file.click()),
      this.file,
      named(this.labels.at_hand, this.books),
    );
    made.append(named(this.labels.text, this.text), ways, this.note);
    made.addEventListener('dragover', (event) => event.preventDefault());
    made.addEventListener('drop', (event) => {
      const dropped = event.dataTransfer?.files[0];
      if (!dropped) return;
      event.preventDefault();
      this.#read(dropped);
    });
    return made;
  }

  /** @param {Book[]} books the texts at hand */
  offerBooks(books) {
    this.#books = books;
    const first = node('option', '', this.labels.choose);
    first.value = '';
    const others = books.map(({ name, title, chars }) => {
      const size = filled(this.labels.characters, { n: counted(chars) });
      const made = node('option', '', `${spoken(title)} · ${size}`);
      made.value = name;
      return made;
    });
    this.books.replaceChildren(first, ...others);
  }

  /**
   * Takes over what is in a form in another language.
   * @param {Source} other
   */
  adopt(other) {
    this.#show(other.text.classList.contains('taken') ? other.text.placeholder : '');
    this.text.value = other.text.value;
    this.books.value = other.books.value;
    const { chosen } = other;
    if (other.#last) this.#bring(other.#last.text, other.#last.title, other.#last.more);
    else if (chosen) this.keep(chosen.source, this.#titleOf(chosen.source) ?? chosen.title);
    this.chosen = chosen;
    this.changed();
  }

  /**
   * Takes a text that the server knows.
   * @param {string} source
   * @param {string} title
   */
  keep(source, title) {
    this.#brought = this.#last = null;
    this.chosen = { source, title };
    const book = this.#books.find(({ name }) => name === source);
    this.books.value = book?.name ?? '';
    this.#show(book?.opening ?? (title || this.labels.pasted));
    this.#say(title || this.labels.pasted);
    this.changed();
  }

  /**
   * Sends a request about the text; first the text, if the server does not have it.
   * @param {object} request
   * @returns {Promise<any>} the answer, which may be a refusal
   */
  async send(request) {
    const brought = this.#brought;
    if (!this.chosen && brought) {
      const answer = await ask('text', brought.text);
      if (answer.refused || brought !== this.#brought) return answer;
      this.chosen = { source: answer.source, title: brought.title };
    }
    const answer = await ask('ask', { ...request, ...this.chosen });
    if (answer.why !== 'training.refused.gone' || !brought || brought !== this.#brought) return answer;
    this.chosen = null;
    return this.send(request);
  }

  /** What was brought or chosen, to be taken again when the page is loaded again. */
  draft() {
    const { text = '', title = this.chosen?.title ?? '' } = this.#last ?? {};
    return { text, title, typed: this.text.value !== '', source: this.#last ? null : (this.chosen?.source ?? null) };
  }

  /** @param {ReturnType<Source['draft']>} draft */
  restore({ text, title, typed, source }) {
    if (source) this.keep(source, title);
    if (!text) return;
    this.#show(typed ? '' : text.slice(0, SHOWN));
    if (typed) this.text.value = text;
    this.#bring(text, title);
  }

  /** @param {File} file */
  async #read(file) {
    const title = file.name.slice(-TITLE);
    const isTooLarge = file.size > MOST_BYTES_FOR_ONE * this.offer.most_bytes;
    const found = isTooLarge ? null : await textIn(file);
    this.file.value = '';
    this.books.value = '';
    if (!found) {
      const { offer } = this;
      this.#show('');
      this.#bring('', '', (labels) =>
        isTooLarge ? `${title} · ${wrong(file.size, offer, labels)}` : labels.undecoded,
      );
      return;
    }
    this.#show(found.text.slice(0, SHOWN));
    const { encoding } = found;
    const said = (/** @type {Labels} */ labels) => (encoding === 'UTF-8' ? '' : filled(labels.decoded, { encoding }));
    this.#bring(found.text, title, said);
  }

  /**
   * @param {string} name
   * @returns {string | null} null: no text of that name is at hand
   */
  #titleOf(name) {
    const book = this.#books.find((one) => one.name === name);
    return book ? spoken(book.title) : null;
  }

  /** @param {string} name of a text at hand */
  #take(name) {
    const title = this.#titleOf(name);
    if (title !== null) return this.keep(name, title);
    this.#show('');
    this.#bring('', '');
  }

  /**
   * Takes a text of the visitor's.
   * @param {string} text
   * @param {string} title
   * @param {More} [more] what is to be said of it
   */
  #bring(text, title, more = () => '') {
    const { labels, offer } = this;
    this.#last = { text, title, more };
    const bytes = new TextEncoder().encode(text).length;
    const fits = bytes >= offer.least_bytes && bytes <= offer.most_bytes;
    this.chosen = null;
    this.#brought = fits ? { text, title } : null;
    const characters = () => filled(labels.characters, { n: counted(Array.from(text).length) });
    const said = fits ? characters() : bytes ? wrong(bytes, offer, labels) : '';
    this.#say([title, said, more(labels)].filter(Boolean).join(' · '));
    this.changed();
  }

  /**
   * Says something of the text; to screen readers when nothing more is typed.
   * @param {string} said
   */
  #say(said) {
    this.note.textContent = said;
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.announce(said), PAUSE);
  }
}

/**
 * Why a text is not taken.
 * @param {number} bytes
 * @param {Offer} offer
 * @param {Labels} labels
 */
function wrong(bytes, offer, labels) {
  const numbers = { n: bytes, least: offer.least_bytes, most: offer.most_bytes };
  const places = Object.fromEntries(Object.entries(numbers).map(([name, n]) => [name, counted(n)]));
  return filled(bytes < offer.least_bytes ? labels.too_short : labels.too_long, places);
}
