// Draws a text whose terms are explained where they are: under a mouse, with the keyboard's focus, at a tap.
import { button, node } from './dom.js';

/** @typedef {Record<string, { name: string, means: string }>} Glossary */

const MARKED = /\[\[(\w+)(?:\|([^\]]+))?\]\]/; // [[key]] shows the term's name, [[key|words]] other words
let count = 0;
const EDGE = 8; // pixels between an explanation and the edge of the window

/**
 * The nodes of a text in which terms are marked.
 * @param {string} text
 * @param {Glossary} glossary
 * @returns {(Node | string)[]}
 */
export function explained(text, glossary) {
  const found = MARKED.exec(text);
  if (!found) return [text];
  const [whole, key, words] = found;
  const { name, means } = glossary[key];
  const after = text.slice(found.index + whole.length);
  return [text.slice(0, found.index), term(words ?? name, means), ...explained(after, glossary)];
}

/**
 * @param {string} words
 * @param {string} means
 */
function term(words, means) {
  const made = node('span', 'term');
  const note = node('span', 'term-note', means);
  note.id = `term-${++count}`;
  note.setAttribute('role', 'tooltip');
  const move = () => (made.getClientRects().length ? put(note, made) : hide());
  const outside = (/** @type {Event} */ event) => made.contains(/** @type {Node} */ (event.target)) || hide();
  const hide = () => {
    note.remove();
    window.removeEventListener('scroll', move);
    document.removeEventListener('pointerdown', outside);
  };
  const show = () => {
    if (note.isConnected) return;
    made.append(note);
    shown.setAttribute('aria-describedby', note.id);
    move();
    window.addEventListener('scroll', move, { passive: true });
    document.addEventListener('pointerdown', outside); // where a tap does not focus a button, there is no blur
  };
  const shown = button('', words, show);
  shown.addEventListener('focus', show);
  shown.addEventListener('blur', hide);
  made.addEventListener('pointerenter', show);
  made.addEventListener('pointerleave', () => document.activeElement !== shown && hide());
  made.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') hide();
  });
  made.append(shown);
  return made;
}

/**
 * Puts an explanation under its term, or above it if there is no room, inside the window.
 * @param {HTMLElement} note
 * @param {HTMLElement} made
 */
function put(note, made) {
  const at = /** @type {DOMRect} */ (made.getClientRects()[0]);
  const { width, height } = note.getBoundingClientRect();
  const right = document.documentElement.clientWidth - EDGE - width;
  const below = at.bottom + 4;
  note.style.left = `${Math.max(EDGE, Math.min(at.left, right))}px`;
  note.style.top = `${below + height < window.innerHeight ? below : at.top - height - 4}px`;
}
