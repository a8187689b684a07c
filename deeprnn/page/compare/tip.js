// Says beside a character of a card how probable it was, or from where it is copied: for a mouse, a finger and the keys.
import { filled, node, percent, pointed, targetOf, visible } from '../shared/dom.js';

/** @typedef {import('./card.js').Card} Card */
/** @typedef {{ card: Card, lens: string, labels: Record<string, string> }} Seen the card of a character, and how it is shown */

const GAP = 6; // pixels from a character

/**
 * What is said of a character; '' if there is nothing to say.
 * @param {Seen} seen
 * @param {number} at its place in the prompt and the text
 */
export function said({ card, lens, labels }, at) {
  const index = at - Array.from(card.prompt).length;
  const nats = index < 0 ? undefined : card.nats?.[index];
  if (lens === 'surprise' && nats !== undefined) {
    return filled(labels.chance, { p: percent(Math.exp(-nats)), surprise: nats.toFixed(2) });
  }
  const run = lens === 'copied' && card.runs.find(([start, end]) => start <= index && index < end);
  return run ? run[2] : '';
}

export class Tip {
  /** The character that is explained. @type {HTMLElement | null} */
  #character = null;

  /**
   * @param {HTMLElement} place
   * @param {HTMLElement} cards
   * @param {(article: Element) => Seen} seen
   */
  constructor(place, cards, seen) {
    this.place = place;
    this.seen = seen;
    pointed(cards, (event) => this.show(targetOf(event)));
    cards.addEventListener('pointerleave', (event) => event.pointerType === 'mouse' && this.hide());
    cards.addEventListener('focusout', () => this.hide());
    document.addEventListener('pointerdown', (event) => !cards.contains(targetOf(event)) && this.hide(), true);
    document.addEventListener('keydown', ({ key }) => key === 'Escape' && this.hide());
    document.addEventListener('scroll', () => this.#move(), { capture: true, passive: true });
  }

  /** @param {Element} target a character, or anything else: then nothing is shown */
  show(target) {
    const character = /** @type {HTMLElement} */ (target);
    if (character === this.#character) return;
    const article = character.closest('.model-card');
    const { at } = character.dataset;
    const text = article && at !== undefined ? said(this.seen(article), Number(at)) : '';
    if (!text) {
      this.hide();
      return;
    }
    this.#character = character;
    this.place.replaceChildren(node('b', '', visible(character.textContent ?? '')), ' ' + text);
    this.#move();
  }

  hide() {
    this.#character = null;
    this.place.replaceChildren();
  }

  /** Moves to the character: above it, or below it at the top of the window. */
  #move() {
    if (!this.#character) return;
    const [at, own] = [this.#character.getBoundingClientRect(), this.place.getBoundingClientRect()];
    const rightmost = document.documentElement.clientWidth - own.width - GAP;
    const left = Math.max(GAP, Math.min(at.left + at.width / 2 - own.width / 2, rightmost));
    const above = at.top - own.height - GAP;
    this.place.style.translate = `${left}px ${above < 0 ? at.bottom + GAP : above}px`;
  }
}
