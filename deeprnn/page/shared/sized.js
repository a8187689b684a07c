// Pictures that are as wide as their place in the page.
import { node } from './dom.js';

/** @typedef {{ ruler: HTMLElement, fit: (width: number) => void }} Picture */

/** How the picture of a ruler is drawn at a width; both go when the page drops the ruler. @type {WeakMap<Element, Picture['fit']>} */
const fits = new WeakMap();
/** Sees all rulers: a callback that held its own one would keep each picture that was ever drawn. @type {ResizeObserver | null} */
let rulers = null;

/** What was made since pictures were drawn last. @type {Picture[]} */
let made = [];

/**
 * Draws into `place` at its present width, and again when the width changes: the units of a picture are the screen's
 * pixels, so its words keep their size. In a closed tab, nothing is drawn until the tab is opened.
 * @template {HTMLElement} Place
 * @param {Place} place
 * @param {(width: number, again: () => void) => Element[]} draw returns the elements
 */
export function sized(place, draw) {
  const ruler = node('div'); // as wide as `place`, but without height
  const drawn = node('div');
  let width = 0;
  const again = () => drawn.replaceChildren(...draw(width, again));
  const fit = (/** @type {number} */ present) => {
    if (!present || present === width) return;
    width = present;
    again();
  };
  fits.set(ruler, fit);
  rulers ??= new ResizeObserver((seen) => seen.forEach(({ target }) => fits.get(target)?.(target.clientWidth)));
  rulers.observe(ruler);
  if (!made.length) queueMicrotask(drawMade);
  made.push({ ruler, fit });
  place.append(ruler, drawn);
  return place;
}

/**
 * Draws what was made, as soon as it is in the page. An observer would draw it only after the page was laid out without
 * it, and what is below would move. All widths are read first, so that the page is laid out once.
 */
function drawMade() {
  const pictures = made.map(({ ruler, fit }) => /** @type {const} */ ([fit, ruler.clientWidth]));
  made = [];
  pictures.forEach(([fit, width]) => fit(width));
}
