// What applies to the whole page: keys, names for elements to which gradio gives none, the document's title and language.
import { opened } from './address.js';
import { composes, glideTo, langOf } from './dom.js';

/** @typedef {'common.logo' | 'common.stop_recording' | 'errors.use_via_api'} Foot gradio's keys of the words in the footer */
/** @typedef {'error' | 'warning' | 'info'} Toast gradio's kinds of messages; each has one title for all its messages */
/** @typedef {Record<'remove' | 'remove_all' | 'close' | 'foot' | Foot | Toast, string>} Names */

/** @typedef {{ language: string, code: string, title: string, views: Record<string, string> }} Spoken our code and HTML's code of a language, and in that language the page's title and the names of its views */

/** @type {Toast[]} */
const TOASTS = ['error', 'warning', 'info'];
const FOLD = '.gr-accordion > .label-wrap'; // the button of a fold

/** The number of groups of radio buttons that were named. */
let groups = 0;
/** What the document is told in its present language. @type {Spoken | null} */
let spoken = null;

/**
 * Starts listening to keys, clicks and changes of the page.
 * @param {Record<string, Names>} names by the language of the document; `remove` has a place for a model's {name}
 */
export function start(names) {
  document.addEventListener('keydown', press);
  document.addEventListener('click', show);
  document.addEventListener('address', entitle);
  const give = () => giveNames(names[document.documentElement.lang] || names.en);
  document.addEventListener('click', ({ target }) => {
    if (/** @type {Element} */ (target).closest(FOLD)) requestAnimationFrame(give); // gradio has opened or closed it
  });
  const changes = { subtree: true, childList: true, characterData: true, attributeFilter: ['lang'] };
  new MutationObserver(give).observe(document, changes);
  give();
}

/**
 * Clicks buttons for keys: Ctrl/Cmd + Enter generates or scores, Esc stops.
 * @param {KeyboardEvent} event
 */
function press(event) {
  const click = (/** @type {string} */ id) => {
    const button = document.getElementById(id);
    if (button?.offsetParent) button.click();
  };
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    click('generate');
    click('score');
  }
  if (event.key === 'Escape' && !composes(event)) click('stop'); // else it ends the input of a Chinese word
}

/**
 * On a narrow screen (a phone), where results are below the controls, scrolls to the results.
 * @param {MouseEvent} event
 */
function show(event) {
  const pressed = /** @type {Element} */ (event.target).closest?.('button')?.id;
  const shown = pressed === 'generate' ? 'board' : pressed === 'score' ? 'scores' : null;
  if (shown && window.innerWidth < 700) glideTo(document.getElementById(shown));
}

/**
 * Names the elements that gradio names by a number, or only in English: the crosses in a list of models (with the model
 * that each one removes), the inputs of a slider, messages, and the footer.
 * @param {Names} words
 */
function giveNames(words) {
  document.querySelectorAll('fieldset').forEach(groupRadios);
  document.querySelectorAll('#language label span, .examples button').forEach((text) => {
    say(text, 'lang', langOf(text.textContent ?? ''));
  });
  document.querySelectorAll(FOLD).forEach((fold) => {
    say(fold, 'aria-expanded', String(fold.classList.contains('open')));
  });
  document.querySelectorAll('.picker .token').forEach((token) => {
    const model = token.querySelector('span')?.textContent?.trim() ?? '';
    say(
      token.querySelector('.token-remove'),
      'title',
      words.remove.replace('{name}', () => model),
    );
  });
  document.querySelectorAll('.picker .remove-all').forEach((cross) => say(cross, 'title', words.remove_all));
  document.querySelectorAll('[aria-label^="number input for "], [aria-label^="range slider for "]').forEach((input) => {
    say(input, 'aria-label', (input.getAttribute('aria-label') ?? '').replace(/^.*? for /, ''));
  });
  TOASTS.forEach((kind) => write(`.toast-title.${kind}`, words[kind]));
  document.querySelectorAll('.toast-close').forEach((cross) => say(cross, 'aria-label', words.close));
  document.querySelectorAll('footer[aria-label]').forEach((foot) => say(foot, 'aria-label', words.foot));
  write('footer .show-api', words['errors.use_via_api']);
  write('footer .record', words['common.stop_recording']);
  say(document.querySelector('footer .show-api img'), 'alt', words['common.logo']);
  say(document.querySelector('footer .record img'), 'alt', words['common.stop_recording']);
}

/**
 * Gives a group of radio buttons its label as its accessible name, and its buttons one name, so that the group is one tab
 * stop, and arrow keys move in it: gradio gives each button a name of its own, and the group none.
 * @param {HTMLFieldSetElement} group
 */
function groupRadios(group) {
  const label = group.querySelector('[data-testid="block-info"]')?.textContent?.trim();
  if (label) say(group, 'aria-label', label);
  const name = (group.dataset.radios ??= `radios-${groups++}`);
  group.querySelectorAll('input[type="radio"]').forEach((radio) => say(radio, 'name', name));
}

/**
 * Sets the text before an icon.
 * @param {string} selector
 * @param {string} said
 */
function write(selector, said) {
  const place = document.querySelector(selector)?.firstChild;
  if (place && place.textContent?.trim() !== said) place.textContent = said + ' ';
}

/**
 * @param {Element | null} element
 * @param {string} attribute
 * @param {string} said
 */
function say(element, attribute, said) {
  if (element && element.getAttribute(attribute) !== said) element.setAttribute(attribute, said);
}

/**
 * Sets the language of the document, which screen readers use, and its title; tells the boards to draw again.
 * @param {Record<string, Spoken>} told by the name of a language
 * @param {string} chosen
 */
export function speak(told, chosen) {
  spoken = told[chosen];
  document.documentElement.lang = spoken.code;
  entitle();
  if (document.documentElement.dataset.language === spoken.language) return;
  document.documentElement.dataset.language = spoken.language;
  document.dispatchEvent(new Event('language'));
}

/** Names the document and the open view after it, so that a list of tabs or of visited pages tells the views apart. */
function entitle() {
  if (!spoken) return;
  const name = spoken.views[opened()];
  document.title = `${name} · ${spoken.title}`;
  say(document.querySelector(`.view-${opened()}`), 'aria-label', name);
}
