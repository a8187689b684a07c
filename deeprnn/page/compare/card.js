// Draws a card: a model's text and its figures.
import { filled, langOf, node, shape, strength } from '../shared/dom.js';
import { FREE } from './kept.js';

/**
 * A model's card, see cards.py. Places in a book are from 0 to 1; runs are the copied parts of the text, as [start, end,
 * place in the book in words].
 * @typedef {object} Card
 * @property {string} model
 * @property {string} prompt
 * @property {string} text
 * @property {'recorded' | 'empty' | 'writing' | 'finished' | 'stopped' | 'broken'} state
 * @property {string} title
 * @property {string} cell
 * @property {number} depth
 * @property {string} meta
 * @property {number} train
 * @property {number} heldout
 * @property {number} guess
 * @property {string} train_text
 * @property {string} heldout_text
 * @property {string} aria
 * @property {string} short the two perplexities in words
 * @property {string} reading
 * @property {string} status
 * @property {number[] | null} nats of each character
 * @property {[number, number, string][]} runs
 * @property {string} rote
 * @property {number[]} places in the book of the longest copy
 * @property {string[]} quality sentences
 * @property {number[]} given places of characters that the reader gave for a poem
 * @property {number[]} rhymes places of characters that rhyme
 */

/** @typedef {Record<string, string>} Labels */

const LAYERS = 10; // the number of bars beside a title

/**
 * What was drawn of each card, so that an unchanged card is not drawn again.
 * @type {WeakMap<Element, string>}
 */
const drawn = new WeakMap();

/** @param {Card} card */
function depthBars(card) {
  const bars = node('span', 'depth ' + card.cell);
  bars.setAttribute('aria-hidden', 'true');
  for (let layer = 1; layer <= LAYERS; layer++) bars.append(node('i', layer <= card.depth ? '' : 'off'));
  return bars;
}

/**
 * Train and held-out perplexity on one log scale, with a mark for uniform guessing. The scale ends at 250, or at that
 * mark if the alphabet is larger.
 * @param {Card} card
 * @param {Labels} labels
 */
function dumbbell(card, labels) {
  const most = Math.max(250, card.guess);
  // In percent of the card's width, so that words keep their size at any width.
  const share = (/** @type {number} */ ppl) => 3 + (Math.log(Math.min(ppl, most)) / Math.log(most)) * 94;
  const [train, heldout, guess] = [card.train, card.heldout, card.guess].map((ppl) => share(ppl) + '%');
  const svg = shape('svg', { class: 'dumbbell ' + card.cell, role: 'img', 'aria-label': card.aria });
  svg.append(shape('line', { x1: '3%', x2: '97%', y1: 28, y2: 28, class: 'axis' }));
  svg.append(shape('line', { x1: guess, x2: guess, y1: 18, y2: 38, class: 'guess' }));
  const anchor = share(card.guess) > 87 ? { x: '99%', 'text-anchor': 'end' } : { x: guess, 'text-anchor': 'middle' };
  svg.append(shape('text', { ...anchor, y: 49 }, labels.guessing));
  svg.append(shape('line', { x1: train, x2: heldout, y1: 28, y2: 28, class: 'span' }));
  svg.append(shape('circle', { cx: train, cy: 28, r: 5, class: 'train' }));
  svg.append(shape('circle', { cx: heldout, cy: 28, r: 6, class: 'heldout' }));
  const left = shape('text', { x: '1%', y: 13 }, labels.train + ' ');
  left.append(shape('tspan', { class: 'v' }, card.train_text));
  const right = shape('text', { x: '99%', y: 13, 'text-anchor': 'end' }, labels.heldout + ' ');
  right.append(shape('tspan', { class: 'v' }, card.heldout_text));
  svg.append(left, right);
  return svg;
}

/**
 * How much is copied, and the places of the longest copy in the book.
 * @param {Card} card
 * @param {Labels} labels
 */
function roteMeter(card, labels) {
  const meter = node('div', 'rote');
  const strip = shape('svg', { viewBox: '0 0 320 14', 'aria-hidden': 'true', preserveAspectRatio: 'none' });
  strip.append(shape('rect', { x: 0, y: 2, width: 320, height: 10, class: 'book' }));
  card.places.forEach((at) => {
    strip.append(shape('rect', { x: Math.min(at * 320, 316), y: 0, width: 4, height: 14, class: 'copy' }));
  });
  meter.append(node('p', '', card.rote));
  if (card.places.length) {
    const ends = node('p', 'ends');
    ends.append(node('span', '', labels.book_start), node('span', '', labels.book_end));
    meter.append(strip, ends);
  }
  return meter;
}

/**
 * A card without its text, which `fill` adds.
 * @param {Card} card
 * @param {Labels} labels
 */
export function build(card, labels) {
  const article = node('article', 'model-card');
  article.dataset.model = card.model;
  article.setAttribute('role', 'listitem');
  const heading = node('h3');
  heading.append(depthBars(card), node('span', '', card.title));
  const out = node('div', 'out');
  out.tabIndex = 0;
  out.setAttribute('role', 'group');
  out.setAttribute('aria-label', filled(labels.letters, { title: card.title }));
  out.append(node('span', 'prompt'), node('span', 'text'));
  const told = node('p', 'told');
  told.append(node('span', 'short', card.short), node('span', 'status'));
  const facts = node('details', 'facts');
  facts.append(node('summary', '', labels.figures), node('p', 'meta', card.meta), dumbbell(card, labels));
  facts.append(node('div', 'foot'));
  article.append(heading, out, node('p', 'reading', card.reading), told, facts);
  return article;
}

/**
 * The parts of a card that change.
 * @param {Element} article
 */
export const partsOf = (article) => {
  const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (article.getElementsByClassName(name)[0]);
  const facts = /** @type {HTMLDetailsElement} */ (part('facts'));
  const [prompt, text, out, status, foot] = ['prompt', 'text', 'out', 'status', 'foot'].map(part);
  return { prompt, text, out, status, foot, facts };
};

/**
 * Gives a text that will be written the height that it will have, and keeps that of the figures below it, so that
 * nothing moves. The characters that are shown tell how many a line has; without any, the width does.
 * @param {Element} article
 * @param {number} chars of the prompt and the text
 * @param {string} form of a poem, such as 5x4, two lines of which are drawn as one; or FREE
 */
export function reserve(article, chars, form) {
  const { prompt, text, out, foot } = partsOf(article);
  foot.style.minHeight = foot.offsetHeight + 'px';
  const { fontSize, lineHeight } = getComputedStyle(text);
  const [size, line] = [parseFloat(fontSize), parseFloat(lineHeight)];
  const shown = (prompt.textContent + '' + text.textContent).length;
  const height = text.getBoundingClientRect().bottom - prompt.getBoundingClientRect().top;
  const wide = /[\u2e80-\uffff]/.test(prompt.textContent ?? '') ? 1 : 0.6; // of a character, in font sizes
  const each = shown > 100 ? height / line / shown : (size * wide) / out.clientWidth;
  const lines = form === FREE ? Math.ceil(chars * each + 1) : Number(form.split('x')[1]) / 2;
  out.style.setProperty('--reserved', lines * line + 'px');
  article.classList.add('awaited');
}

/**
 * Draws one span for each character, so that another highlight changes only the style.
 * @param {Element} article
 * @param {Card} card
 */
function letters(article, card) {
  const prompt = Array.from(card.prompt);
  const spell = (/** @type {string[]} */ characters, /** @type {number} */ start) =>
    characters.map((character, index) => {
      const span = node('span', '', character);
      span.dataset.at = String(start + index);
      return span;
    });
  const written = spell(Array.from(card.text), prompt.length);
  card.nats?.forEach((nats, index) => written[index].style.setProperty('--heat', strength(nats).toFixed(3)));
  card.runs.forEach(([start, end]) => {
    written.slice(start, end).forEach((span) => {
      span.className = 'copied';
    });
  });
  card.given.forEach((at) => written[at].classList.add('given'));
  card.rhymes.forEach((at) => written[at].classList.add('rhyme'));
  const parts = partsOf(article);
  parts.prompt.replaceChildren(...spell(prompt, 0));
  parts.text.replaceChildren(...written);
}

/**
 * Draws a model's text on its card, with its marks if it was analysed.
 * @param {Element} article
 * @param {Card} card
 * @param {Labels} labels
 * @param {number} more the number of characters that a model that begins to write will add
 */
export function fill(article, card, labels, more) {
  const isWriting = card.state === 'writing';
  const parts = partsOf(article);
  const begins = isWriting && !article.matches('.writing, .awaited');
  const form = /** @type {HTMLElement | null} */ (article.closest('.compare'))?.dataset.shape ?? FREE;
  if (begins) reserve(article, card.prompt.length + card.text.length + more, form);
  article.classList.toggle('writing', isWriting);
  article.classList.remove('awaited');
  parts.status.textContent = card.status;
  parts.prompt.lang = parts.text.lang = langOf(card.prompt + card.text);
  const now = JSON.stringify([card.prompt, card.text, isWriting, card.runs, card.rote, !card.nats, card.given]);
  if (drawn.get(article) === now) return;
  drawn.set(article, now);
  if (card.rote) letters(article, card);
  else {
    parts.prompt.textContent = card.prompt;
    parts.text.textContent = card.text;
  }
  if (isWriting) parts.out.scrollTop = parts.out.scrollHeight;
  parts.foot.replaceChildren();
  if (card.rote) parts.foot.append(roteMeter(card, labels), ...card.quality.map((one) => node('p', 'quality', one)));
}

/**
 * Adds characters to the cards of models that are writing.
 * @param {[Element, string][]} pieces
 */
export function extend(pieces) {
  pieces.forEach(([article, piece]) => {
    drawn.delete(article);
    const { text } = partsOf(article);
    if (text.lastChild instanceof Text) text.lastChild.appendData(piece);
    else text.append(piece);
  });
  const outs = pieces.map(([article]) => partsOf(article).out);
  const heights = outs.map((out) => out.scrollHeight);
  outs.forEach((out, index) => (out.scrollTop = heights[index]));
}

/**
 * Shows that a model has stopped.
 * @param {Element} article
 * @param {string} status
 */
export function stop(article, status) {
  article.classList.remove('writing');
  partsOf(article).status.textContent = status;
  drawn.delete(article);
}
