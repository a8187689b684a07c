// Draws the links to the views. They can be opened in a new tab and copied, as links can; a click stays in the page.
import { opened, tabs } from './address.js';
import { Carried, find, language, node, onLanguage } from './dom.js';

/** @typedef {{ views: { view: string, name: string }[] }} Value */

/** @param {import('./dom.js').Board} board */
export function mount({ element, props, trigger, watch }) {
  const root = find(element, '.views');
  /** @type {Carried<Value>} */
  const carried = new Carried(props, {});
  const draw = () => {
    const links = carried.given().views.map(({ view, name }) => {
      const link = node('a', '', name);
      link.href = `?view=${view}&lang=${language()}`;
      return link;
    });
    root.replaceChildren(...links);
    mark();
  };
  const mark = () => {
    carried.given().views.forEach(({ view }, index) => {
      if (view === opened()) root.children[index].setAttribute('aria-current', 'page');
      else root.children[index].removeAttribute('aria-current');
    });
  };
  tabs(
    carried.given().views.map(({ view }) => view),
    () => trigger('select'),
  );
  draw();
  watch('value', draw);
  onLanguage(root, draw);
  document.addEventListener('address', mark);
}
