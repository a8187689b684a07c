// What works everywhere on the page: keys, names for what gradio leaves nameless, the language of the document.

/** @typedef {'common.logo' | 'common.stop_recording' | 'errors.use_via_api'} Foot gradio's keys of what is at the foot */
/** @typedef {Record<'remove' | 'remove_all' | 'more_views' | 'foot' | Foot, string>} Names */

/**
 * Begin to listen.
 * @param {Record<string, Names>} names by the language of the document; `remove` has a place for a model's {name}
 */
export function start(names) {
  document.addEventListener('keydown', press);
  document.addEventListener('click', show);
  const give = () => giveNames(names[document.documentElement.lang] || names.en);
  const changes = { subtree: true, childList: true, characterData: true, attributeFilter: ['lang'] };
  new MutationObserver(give).observe(document, changes);
  give();
}

/**
 * Ctrl/Cmd + Enter generates, Esc stops: the buttons do the work.
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
  if (event.key === 'Escape') click('stop');
}

/**
 * Where the cards are below the controls (a phone), they are brought into view.
 * @param {MouseEvent} event
 */
function show(event) {
  const pressed = /** @type {Element} */ (event.target).closest?.('button')?.id;
  const shown = pressed === 'generate' ? 'board' : pressed === 'score' ? 'scores' : null;
  if (shown && window.innerWidth < 700) document.getElementById(shown)?.scrollIntoView({ behavior: 'smooth' });
}

/**
 * What gradio names by a number or in English only: the crosses in a list of models, which say here which one they
 * remove, the inputs of a slider, the list of views that find no room, the page's foot, of which gradio says nothing anew.
 * @param {Names} words
 */
function giveNames(words) {
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
  document.querySelectorAll('.overflow-menu > button').forEach((more) => say(more, 'aria-label', words.more_views));
  document.querySelectorAll('footer[aria-label]').forEach((foot) => say(foot, 'aria-label', words.foot));
  write('footer .show-api', words['errors.use_via_api']);
  write('footer .record', words['common.stop_recording']);
  say(document.querySelector('footer .show-api img'), 'alt', words['common.logo']);
  say(document.querySelector('footer .record img'), 'alt', words['common.stop_recording']);
}

/**
 * Words before a picture.
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
 * Let the browser's tab, screen readers and boards know the language.
 * @param {Record<string, [string, string, string]>} titles our code, HTML's and the page's title by the name of a language
 * @param {string} chosen
 */
export function speak(titles, chosen) {
  const [language, code, title] = titles[chosen];
  [document.documentElement.lang, document.title] = [code, title];
  if (document.documentElement.dataset.language === language) return;
  document.documentElement.dataset.language = language;
  document.dispatchEvent(new Event('language'));
}
