// Draws the Experiments view (see view.py).
import { Carried, between, find, node, onLanguage, segments } from '../shared/dom.js';
import { figure } from '../shared/figure.js';

/**
 * A question, its answers, method and figures.
 * @typedef {object} Section
 * @property {string} key
 * @property {string} title
 * @property {string} asked
 * @property {string[]} answers
 * @property {string} method
 * @property {string[]} commands
 * @property {import('../shared/kinds.js').Chart[][]} figures
 * @property {string | null} preset
 */

/** @typedef {import('../shared/figure.js').Labels & Record<'method' | 'see' | 'interval' | 'empty', string>} Labels */
/** @typedef {{ sections: Section[], labels: Labels, note: string, lang: string }} Value */

/** The keys of the questions whose methods are unfolded. @type {Set<string>} */
const unfolded = new Set();

/**
 * @param {Section} one
 * @param {Value} value
 */
function section(one, { labels, lang }) {
  const made = node('section', 'experiment');
  made.id = 'experiment-' + one.key;
  made.append(
    node('h2', '', one.title),
    node('p', 'asked', one.asked),
    node('p', 'verdict', one.answers.join(between(lang))),
  );
  const pictures = node('div', 'figures');
  one.figures.forEach((charts, index) => pictures.append(figure(charts, `${one.key}-${index + 1}`, labels, one.title)));
  const method = node('details', 'method');
  method.open = unfolded.has(one.key);
  method.addEventListener('toggle', () => (method.open ? unfolded.add(one.key) : unfolded.delete(one.key)));
  method.append(node('summary', '', labels.method), ...(one.method ? [node('p', '', one.method)] : []));
  method.append(node('p', '', labels.interval), node('pre', '', one.commands.join('\n')));
  made.append(pictures, method);
  if (one.preset) {
    const see = node('a', 'see', labels.see);
    see.href = `?preset=${one.preset}&lang=${lang}`;
    made.append(see);
  }
  return made;
}

/**
 * Buttons that scroll to the questions.
 * @param {Section[]} sections
 */
function contents(sections) {
  const entries = sections.map((one) => /** @type {[string, string]} */ ([one.key, one.title]));
  const made = segments(entries, null, (key) => {
    document.getElementById('experiment-' + key)?.scrollIntoView({ behavior: 'smooth' });
  });
  made.querySelectorAll('button').forEach((one) => one.removeAttribute('aria-pressed')); // they do not stay pressed
  return made;
}

/** @param {import('../shared/dom.js').Board} board */
export function mount({ element, props, labels, watch }) {
  const root = find(element, '.experiments');
  /** @type {Carried<Value>} */
  const carried = new Carried(props, labels);
  const draw = () => {
    const value = carried.given();
    if (!value.sections.length) {
      root.replaceChildren(node('p', 'empty', value.note || value.labels.empty));
      return;
    }
    root.replaceChildren(contents(value.sections), ...value.sections.map((one) => section(one, value)));
    if (value.note) root.append(node('p', 'note', value.note));
  };
  draw();
  watch('value', draw);
  onLanguage(root, draw);
}
