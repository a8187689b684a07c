// Draws the button that copies a link to what the page shows.
import { cut, shown } from './address.js';
import { button, copy, find, onLanguage, spoken } from './dom.js';

/** @param {import('./dom.js').Board} board */
export function mount(board) {
  const root = find(board.element, '.link');
  const draw = () => {
    const labels = spoken(board.labels);
    const press = () => {
      copy(
        location.origin + location.pathname + '?' + shown(),
        made,
        cut() ? labels.copied_without_text : labels.copied,
      );
    };
    const made = button('', labels.copy, press);
    root.replaceChildren(made);
  };
  root.setAttribute('aria-live', 'polite');
  draw();
  onLanguage(root, draw);
}
