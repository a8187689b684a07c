// On a phone, the list of questions is one button that says the question that is shown; it opens the list.
import { Carried, composes, find, onLanguage, targetOf } from '../shared/dom.js';

/** @typedef {{ titles: Record<string, string>, labels: { none: string } }} Value */

/** The question that the board shows. @type {string | null} */
let shown = null;
let draw = () => {};

/**
 * Tells the button which question the board shows.
 * @param {string | null} question
 */
export function showQuestion(question) {
  shown = question;
  draw();
}

/** @param {import('../shared/dom.js').Board} board */
export function mount({ element, props, labels }) {
  const button = find(element, 'button');
  /** @type {Carried<Value>} */
  const carried = new Carried(props, labels);
  const open = (/** @type {boolean} */ is) => button.setAttribute('aria-expanded', String(is));
  const isOpen = () => button.getAttribute('aria-expanded') === 'true';
  draw = () => {
    const { titles, labels } = carried.given();
    button.textContent = (shown && titles[shown]) || labels.none;
  };
  button.addEventListener('click', () => open(!isOpen()));
  // Arrow keys choose questions too (and click them, 0 times): the list stays open until Enter or Escape.
  document.addEventListener('click', (event) => {
    if (event.detail && targetOf(event).closest('#questions label')) open(false);
  });
  document.addEventListener(
    'keydown',
    (event) => {
      const left = event.key === 'Escape' || (event.key === 'Enter' && targetOf(event).closest('#questions'));
      if (!left || !isOpen() || composes(event) || event.ctrlKey || event.metaKey) return;
      event.stopPropagation();
      open(false);
      button.focus();
    },
    true,
  );
  onLanguage(element, draw);
  draw();
}
