// Draws the Experiments view (see view.py).
import { opened, report } from '../shared/address.js';
import { Carried, arriveAt, find, node, onLanguage } from '../shared/dom.js';
import { figure } from '../shared/figure.js';

/**
 * A question, its answers, method and figures.
 * @typedef {object} Section
 * @property {string} key
 * @property {string} title
 * @property {string} asked
 * @property {{ claim: string, sentence: string }[]} answers
 * @property {string} method
 * @property {string[]} commands
 * @property {import('../shared/kinds.js').Chart[][]} figures
 * @property {string | null} preset
 */

/** @typedef {import('../shared/figure.js').Labels & Record<'contents' | 'full' | 'method' | 'see' | 'interval' | 'empty', string>} Labels */
/** @typedef {{ sections: Section[], labels: Labels, note: string, lang: string }} Value */

/** The keys of the folds that are open. @type {Set<string>} */
const unfolded = new Set();

/**
 * A fold that stays as the reader left it when it is made again in another language.
 * @param {string} key
 * @param {string} summary
 * @param {HTMLElement[]} content
 */
function fold(key, summary, content) {
  const made = node('details');
  made.open = unfolded.has(key);
  made.addEventListener('toggle', () => (made.open ? unfolded.add(key) : unfolded.delete(key)));
  made.append(node('summary', '', summary), ...content);
  return made;
}

/**
 * @param {Section} one
 * @param {Value} value
 */
function section(one, { labels, lang }) {
  const made = node('section', 'experiment');
  made.id = 'experiment-' + one.key;
  const answers = node('div', 'answers');
  one.answers.forEach(({ claim, sentence }, index) => {
    const answer = node('div', 'verdict');
    answer.append(node('b', 'claim', claim));
    answer.append(fold(`${one.key}-${index}`, labels.full, [node('p', '', sentence)]));
    answers.append(answer);
  });
  const method = [...(one.method ? [one.method] : []), labels.interval].map((text) => node('p', '', text));
  const how = fold(`${one.key}-method`, labels.method, [...method, node('pre', '', one.commands.join('\n'))]);
  how.className = 'method';
  answers.append(how);
  if (one.preset) {
    const see = node('a', 'see', labels.see);
    see.href = `?preset=${one.preset}&lang=${lang}`;
    answers.append(see);
  }
  const pictures = node('div', 'pictures');
  one.figures.forEach((charts, index) => pictures.append(figure(charts, `${one.key}-${index + 1}`, labels, one.title)));
  const columns = node('div', 'columns');
  columns.append(answers, pictures);
  made.append(node('h2', '', one.title), node('p', 'asked', one.asked), columns);
  return made;
}

/**
 * Links to the questions.
 * @param {Value} value
 */
function contents({ sections, labels, lang }) {
  const made = node('nav', 'contents');
  made.setAttribute('aria-label', labels.contents);
  sections.forEach(({ key, title }) => {
    const link = node('a', '', title);
    link.href = `?view=experiments&question=${key}&lang=${lang}`;
    made.append(link);
  });
  return made;
}

/**
 * Scrolls to the question that the address names, as soon as the view is seen and its figures are drawn.
 * @param {HTMLElement} root
 */
function followAddress(root) {
  let wanted = '';
  const tell = (/** @type {string} */ question) => report('experiments', () => question && 'question=' + question);
  const arrive = () => {
    const place = root.clientWidth ? document.getElementById('experiment-' + wanted) : null;
    if (!place) return;
    arriveAt(place);
    tell(wanted);
    wanted = '';
  };
  const soon = () => requestAnimationFrame(() => requestAnimationFrame(arrive)); // figures are drawn before
  const look = () => {
    if (opened() !== 'experiments') return;
    wanted = new URLSearchParams(location.search).get('question') ?? '';
    if (wanted) soon();
    else tell('');
  };
  look();
  document.addEventListener('address', () => queueMicrotask(look)); // the address bar changes right after the event
  new ResizeObserver(() => wanted && soon()).observe(root);
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
    root.replaceChildren(contents(value), ...value.sections.map((one) => section(one, value)));
    if (value.note) root.append(node('p', 'note', value.note));
  };
  draw();
  watch('value', draw);
  onLanguage(root, draw);
  followAddress(root);
}
