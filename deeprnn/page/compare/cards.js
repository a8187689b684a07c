// Draws the Compare board (see cards.py): the cards, the highlight, files.
import { opened, report } from '../shared/address.js';
import {
  Carried,
  announcer,
  answered,
  find,
  keepFocus,
  modified,
  node,
  onLanguage,
  save,
  spoken,
  targetOf,
  visible,
} from '../shared/dom.js';
import { lenses, marksOfPoems, menu } from './bar.js';
import { build, extend, fill, partsOf, reserve, stop } from './card.js';
import { FREE, choose, queryOf, shapeAsked } from './kept.js';
import { Past, after } from './past.js';
import { showQuestion } from './questions.js';
import { drawSeen } from './seen.js';
import { Sheet } from './sheet.js';
import { Tip } from './tip.js';

/** @typedef {import('./card.js').Card} Card */

/**
 * @typedef {object} Value
 * @property {number} turn increases with each drawing
 * @property {string} prompt
 * @property {number} seed
 * @property {{ temperature: number, top_k: number, top_p: number, max_chars: number }} sampling
 * @property {boolean} after whether all cards show recordings after the prompt
 * @property {string | null} preset the question that is shown
 * @property {string | null} budget
 * @property {boolean} poems whether all models were trained on poems
 * @property {boolean} lines whether copied lines of verse are looked for
 * @property {string} shape of the poems, such as 5x4; or FREE
 * @property {string} acrostic
 * @property {boolean} regulated whether the poem keeps tones and rhyme
 * @property {string | null} lens
 * @property {{ takeaway: string, rest: string } | null} verdict
 * @property {string} elsewhere
 * @property {string} note
 * @property {string} lang
 * @property {Record<string, string>} labels
 * @property {Card[]} cards
 */

const EMPTY = /** @type {Value} */ (/** @type {unknown} */ ({ cards: [], labels: {} }));

/** The values of the controls before the branch that was undone last. @type {any[]} */
let before = [];

/** @param {Value} value */
const isWriting = (value) => value.cards.some((card) => card.state === 'writing');

class Compare {
  lens = 'plain';
  /** The question whose highlight was applied. */
  highlightOf = '';
  /** The turn of the drawing that is shown. */
  shown = 0;
  /** The turn of the run that the reader stopped. */
  ended = 0;
  /** The models that the reader chose, until they are shown. @type {string[] | null} */
  picked = null;
  /** Whether the reader pressed Stop and has requested no text since. */
  held = false;
  /** Whether the figures of all cards are unfolded. */
  unfolded = false;
  /** The character of the last branch. */
  branched = '';
  /**
   * The last answer about next characters, in both languages, the card that it belongs to, and what stood before them.
   * @type {{ answer: any, asked: { context: string[], actual: string | undefined }, model: string, read: string } | null}
   */
  asked = null;
  /** How often next characters were asked for. */
  asks = 0;
  /** Whether screen readers were told anything. */
  told = false;

  /** The states of the cards that were shown last, or that they write. */
  states = '';

  /** @param {import('../shared/dom.js').Board} board */
  constructor({ element, props, labels, server, trigger, watch }) {
    this.root = find(element, '.compare');
    this.cards = find(this.root, '.cards');
    this.props = props;
    this.server = server;
    this.trigger = trigger;
    /** @type {Carried<Value>} */
    this.carried = new Carried(props, labels);
    this.announce = announcer(element);
    this.sheet = new Sheet(find(this.root, '.next'), (char, context) => {
      this.#freeze();
      this.held = false;
      this.#reserve(false);
      this.branched = char;
      trigger('select', { index: 0, value: char, context });
    });
    this.past = new Past(find(this.root, '.undo'), (moment) => this.#restore(moment));
    this.root.addEventListener('branched', (event) => {
      const settings = /** @type {CustomEvent} */ (event).detail;
      this.carried.change(() => {}); // the whole value in one line
      this.past.add({ board: this.carried.text, settings, char: this.branched });
      this.past.draw(this.value.labels);
    });
    this.tip = new Tip(find(this.root, '.tip'), this.cards, (article) => {
      return { card: this.#cardOf(article), lens: this.lens, labels: this.value.labels };
    });
    this.root.addEventListener('picked', (event) => this.#pick(/** @type {CustomEvent} */ (event).detail));
    document.addEventListener('click', (event) => this.#press(event), true);
    document.addEventListener('input', (event) => this.#askAnew(event), true);
    document.addEventListener('keydown', (event) => this.#askAnew(event), true);
    document.addEventListener('address', (event) => {
      if (opened() === 'compare') {
        if (/** @type {CustomEvent} */ (event).detail.asks) this.held = false;
      } else {
        this.asks++; // an answer that is under way comes too late
        this.sheet.hide();
      }
    });
    watch('value', () => this.draw());
    onLanguage(this.root, () => this.#speak());
    this.draw();
  }

  /** Draws in another language, and keeps all scroll positions. */
  #speak() {
    const outs = () => [...this.cards.querySelectorAll('.out')];
    const tops = outs().map((out) => out.scrollTop);
    const open = !this.sheet.place.hidden;
    this.draw();
    outs().forEach((out, index) => (out.scrollTop = tops[index]));
    if (open) this.#show(false);
    if (this.told) this.#announce();
  }

  get value() {
    return this.carried.given();
  }

  draw() {
    if (this.#isLate()) {
      this.carried.keep();
      return;
    }
    const lines = this.carried.news();
    if (lines) {
      if (lines.length) this.#extend(lines);
      return;
    }
    this.picked = null;
    const value = this.value || EMPTY;
    const question = value.preset + ' ' + value.budget;
    if (value.lens && question !== this.highlightOf) this.lens = value.lens;
    this.highlightOf = question;
    const applied = JSON.stringify([this.lens, value.lang, value.poems, value.lines, value.shape]);
    if (this.root.dataset.applied !== applied) {
      this.root.dataset.applied = applied;
      this.#applyHighlight();
      this.#drawFiles();
    }
    this.root.classList.toggle('poems', Boolean(value.poems));
    this.root.dataset.shape = value.shape;
    this.#drawCards(value);
    drawSeen(find(this.root, '.verdict'), value, () => this.trigger('clear'));
    showQuestion(value.preset);
    this.#report();
  }

  /** @param {Value} value */
  #drawCards({ cards, labels, sampling }) {
    const signature = JSON.stringify(
      cards.map((card) => [card.model, card.title, card.meta, card.reading, card.short]),
    );
    if (this.cards.dataset.signature !== signature || !this.cards.children.length) {
      this.cards.dataset.signature = signature;
      this.cards.dataset.count = String(cards.length);
      const old = [...this.cards.children].map((card) => /** @type {HTMLElement} */ (card).dataset.model);
      if (String(old) !== String(cards.map((card) => card.model))) this.past.clear();
      this.cards.replaceChildren(...cards.map((card) => this.#build(card, labels)));
      if (!cards.length && labels.no_models) this.cards.append(node('p', 'empty', labels.no_models));
      this.sheet.hide();
    }
    cards.forEach((card, index) => fill(this.cards.children[index], card, labels, sampling.max_chars));
    const of = cards.find((card) => card.model === this.asked?.model);
    if (!of || !(of.prompt + of.text).startsWith(this.asked?.read ?? '')) this.sheet.hide(); // another text stands there
    this.past.draw(labels);
    this.tip.hide();
  }

  /**
   * @param {Card} card
   * @param {Record<string, string>} labels
   */
  #build(card, labels) {
    const article = build(card, labels);
    const { out, facts } = partsOf(article);
    facts.open = this.unfolded;
    facts.addEventListener('toggle', () => this.#unfold(facts.open));
    out.addEventListener('click', (event) => {
      const { at } = targetOf(event).dataset;
      if (at !== undefined) this.#ask(article, Number(at));
    });
    out.addEventListener('keydown', (event) => this.#move(article, event));
    return article;
  }

  /**
   * Shows or hides the figures of all cards.
   * @param {boolean} open
   */
  #unfold(open) {
    if (open === this.unfolded) return;
    this.unfolded = open;
    for (const card of this.cards.children) partsOf(card).facts.open = open;
  }

  /**
   * Draws what was added to texts; a card whose model has finished is drawn whole.
   * @param {(string | object)[][]} lines
   */
  #extend(lines) {
    const { cards, labels, sampling } = this.value;
    const pieces = cards.map(() => '');
    /** @type {Set<number>} */
    const whole = new Set();
    lines.forEach((line) =>
      line.forEach((more, index) => {
        if (typeof more === 'string') pieces[index] += more;
        else whole.add(index);
      }),
    );
    whole.forEach((index) => fill(this.cards.children[index], cards[index], labels, sampling.max_chars));
    const longer = [...pieces.keys()].filter((index) => pieces[index] && !whole.has(index));
    extend(longer.map((index) => [this.cards.children[index], pieces[index]]));
    this.#report();
  }

  /** Tells the address and screen readers what is shown, but not at each character that is written. */
  #report() {
    const { value } = this;
    const states = isWriting(value) ? 'writing' : value.cards.map(({ state }) => state).join();
    if (states !== this.states && /writing|finished|stopped|broken/.test(states)) this.#announce();
    this.states = states;
    const step = `${value.preset} ${value.budget} ${value.shape}`;
    if (!isWriting(value)) report('compare', () => queryOf(this.value), step);
  }

  /** Tells screen readers whether each model writes or has finished. */
  #announce() {
    this.told = true;
    const { cards, lang } = this.value;
    const [colon, semicolon] = lang === 'zh' ? ['：', '；'] : [': ', '; '];
    this.announce(cards.map(({ title, status }) => title + colon + status).join(semicolon));
  }

  /** Stops all writing at once; the texts that are shown stay, and can be continued. Later updates are ignored. */
  #freeze() {
    this.held = true;
    const { value } = this;
    if (!value || !isWriting(value)) return;
    this.ended = value.turn;
    const wrote = value.cards.map((card) => card.state === 'writing');
    const stopped = { state: 'stopped', status: this.carried.labels.stopped };
    this.carried.change(({ cards }) => {
      wrote.forEach((is, index) => is && Object.assign(cards[index], stopped));
    });
    wrote.forEach((is, index) => is && stop(this.cards.children[index], this.value.cards[index].status));
    this.#report();
  }

  /**
   * Goes back to what was shown before a branch, and ends what is being written.
   * @param {import('./past.js').Moment} moment
   */
  #restore({ board, settings }) {
    this.#freeze();
    this.ended = Math.max(this.ended, this.shown);
    this.props.value = after(board, this.ended);
    this.draw();
    document.getElementById('stop')?.click(); // the server reads the board that is restored
    before = settings;
    this.trigger('undo');
    if (this.past.button.hidden) find(this.cards, '.out').focus({ preventScroll: true });
  }

  /** @param {MouseEvent} event */
  #press(event) {
    const pressed = targetOf(event).closest?.('#stop, #generate, #continue, .examples button');
    if (!pressed) return;
    if (pressed.id === 'stop') this.#freeze();
    else {
      this.held = false;
      this.#reserve(pressed.id === 'continue');
    }
  }

  /**
   * Notices that the reader asks for another text by the form of a poem, without a button.
   * @param {Event} event
   */
  #askAnew(event) {
    const place = event instanceof KeyboardEvent ? '#acrostic' : '#shape, #regulated';
    if (event instanceof KeyboardEvent && event.key !== 'Enter') return;
    if (targetOf(event).closest?.(place)) this.held = false;
  }

  /**
   * Reserves the height of the texts that are asked for, at once, while the reader expects a change.
   * @param {boolean} goesOn whether the texts that are shown are continued
   */
  #reserve(goesOn) {
    const { cards, sampling, shape } = this.value;
    const length = /** @type {HTMLInputElement | null} */ (document.querySelector('#length input')); // not in a closed fold
    const more = Number(length?.value) || sampling.max_chars;
    cards.forEach(({ prompt, text }, index) =>
      reserve(
        this.cards.children[index],
        prompt.length + (goesOn ? text.length : 0) + more,
        goesOn ? shape : shapeAsked(),
      ),
    );
  }

  /**
   * Handles a new choice of models by the reader. If a key shortens the list, gradio sends only `change`, which it also
   * sends if the page itself fills the list.
   * @param {{ models: string[], changed: boolean }} chosen
   */
  #pick({ models, changed }) {
    const names = this.value.cards.map((card) => card.model);
    if (changed && !(models.length < names.length && models.every((name) => names.includes(name)))) return;
    if (JSON.stringify(models) === JSON.stringify(this.picked || names)) return;
    this.picked = models;
    this.trigger('input');
  }

  /** Whether a drawing is late: older than the one that is shown, or of a run that the reader has stopped. */
  #isLate() {
    const value = this.carried.begun();
    if (!value) return false;
    if (value.turn < this.shown || value.turn <= this.ended) return true;
    if (this.held && isWriting(value)) {
      this.ended = value.turn; // requested before Stop, begun after it
      document.getElementById('stop')?.click();
      return true;
    }
    this.shown = value.turn;
    return false;
  }

  /** @param {Element} article */
  #cardOf(article) {
    const { model } = /** @type {HTMLElement} */ (article).dataset;
    return /** @type {Card} */ (this.value.cards.find((card) => card.model === model));
  }

  /**
   * Arrow keys move along the characters; Enter asks for the likeliest characters at that place.
   * @param {Element} article
   * @param {KeyboardEvent} event
   */
  #move(article, event) {
    const spans = [...article.querySelectorAll('.out span[data-at]')];
    if (!spans.length || modified(event)) return;
    const old = spans.findIndex((span) => span.classList.contains('at'));
    const given = Array.from(this.#cardOf(article).prompt).length;
    const from = old < 0 ? given - 1 : old;
    const places = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: spans.length - 1, Enter: from };
    if (!(event.key in places)) return;
    const to = places[/** @type {keyof typeof places} */ (event.key)];
    const first = this.value.shape === FREE ? 0 : given; // which a poem does not show
    const at = Math.max(first, Math.min(spans.length - 1, to));
    event.preventDefault();
    if (event.key === 'Enter') {
      this.#ask(article, at);
      return;
    }
    if (old >= 0) spans[old].classList.remove('at');
    spans[at].classList.add('at');
    spans[at].scrollIntoView({ block: 'nearest' });
    this.tip.show(spans[at]);
    if (!this.tip.place.textContent) this.announce(visible(spans[at].textContent ?? ''), true); // else the tip says it
  }

  /**
   * Asks for the likeliest characters at a place, and shows them.
   * @param {Element} article
   * @param {number} at
   */
  async #ask(article, at) {
    const { cards, shape } = this.value;
    const card = this.#cardOf(article);
    if (card.state === 'writing') return;
    const characters = Array.from(card.prompt + card.text);
    const read = characters.slice(0, at);
    const context = shape === FREE ? read : read.slice(Array.from(card.prompt).length); // without the poem before
    this.cards.querySelectorAll('.at').forEach((span) => span.classList.remove('at'));
    find(article, `.out span[data-at="${at}"]`).classList.add('at');
    const models = cards.map((one) => one.model);
    const turn = ++this.asks;
    const wanted = { context: read.join(''), models };
    const answer = await answered(this.server.next_chars(wanted), this.carried.labels.failed);
    const now = this.value.cards.find((one) => one.model === card.model);
    const isThere = now && now.state !== 'writing' && now.prompt + now.text === characters.join('');
    if (turn !== this.asks || !isThere) return; // another place was asked for, or the text is another one
    this.asked = { answer, asked: { context, actual: characters[at] }, model: card.model, read: read.join('') };
    this.sheet.uncover(this.#show(true));
  }

  /**
   * Shows the last answer about next characters; returns the character at their place.
   * @param {boolean} focused whether the sheet gets the focus; the tip goes when the text loses it, so it is shown last
   */
  #show(focused) {
    const { answer, asked, model } = /** @type {NonNullable<typeof this.asked>} */ (this.asked);
    const { labels, lang } = this.value;
    const article = find(this.cards, `[data-model="${CSS.escape(model)}"]`);
    const character = article.querySelector('.at') ?? article;
    this.sheet.open(spoken(answer), asked, labels, lang, partsOf(article).out);
    if (focused) this.sheet.focus();
    this.tip.show(character);
    return character;
  }

  #applyHighlight() {
    this.root.dataset.lens = this.lens;
    const choose = (/** @type {string} */ lens) => {
      this.lens = lens;
      keepFocus(find(this.root, '.lenses'), () => this.#applyHighlight());
    };
    const { labels, lines, poems, shape } = this.value;
    const marks = poems ? [marksOfPoems(labels, shape !== FREE)] : [];
    find(this.root, '.lenses').replaceChildren(...lenses(this.lens, labels, lines, choose), ...marks);
  }

  #drawFiles() {
    const save = (/** @type {import('./bar.js').Kind} */ kind) => this.#export(kind);
    find(this.root, '.tools').replaceChildren(
      menu(this.value.labels, save, () => choose((text) => this.trigger('upload', { text }))),
    );
  }

  /** @param {import('./bar.js').Kind} kind */
  async #export(kind) {
    const { value } = this;
    const wanted = { kind, value, lang: value.lang };
    const file = spoken(await answered(this.server.exported(wanted), this.carried.labels.failed));
    if (file.error) window.alert(file.error);
    else save(file.name, file.mime, file.text);
  }
}

/** @param {import('../shared/dom.js').Board} board */
export function mount(board) {
  new Compare(board);
}

/**
 * Tells the board which models are chosen.
 * @param {'input' | 'change'} event `input`: by the reader; `change`: by the reader or by the page
 * @param {string[] | null} models
 */
export function tellModels(event, models) {
  const detail = { models: models || [], changed: event === 'change' };
  document.querySelector('#board .compare')?.dispatchEvent(new CustomEvent('picked', { detail }));
}

/**
 * Tells the board the values of the controls when the reader chooses a character to go on from.
 * @param {any[]} settings
 */
export function tellSettings(...settings) {
  document.querySelector('#board .compare')?.dispatchEvent(new CustomEvent('branched', { detail: settings }));
}

/** The values of the controls before the branch that the reader has undone. */
export const settingsBefore = () => before;
