// The address of the page: which view is open, and what each view shows. Nothing else writes to the browser's history.
//
// How a view takes part: its script calls `report` whenever what it shows has changed. Its view.py names what to do when
// an address asks it for something else (`Addresses.follow` in address.py): the page was opened, the reader went back
// or forward, clicked a link such as `?view=score&text=the`, or opened the view for the first time.
import { language, take, targetOf, whenSeen } from './dom.js';

const LONGEST = 32_000; // characters of an address; in a longer one, the text that is shown is left out
const VIEW = 'compare'; // where an address without a view leads
const THEME = '__theme'; // gradio's own parameter: light or dark
const LEARNS = /models=(.*,)?mine-/; // models of a visitor, whose training may have gone on

/** What is known of one view. */
class Place {
  /** The query in the address bar while the view is open; null: the view has not been open. @type {string | null} */
  bar = null;
  /** Returns the query of what the view shows. @type {() => string} */
  read = () => this.bar ?? '';
  /** What the server was asked for last, until the view reports what it shows. @type {string | null} */
  asked = null;
  /** What the server was asked for last. */
  last = '';
  /** See `report`. @type {string | null} */
  step = null;
  /** Asks the server. @type {(event: string, detail: { query: string }) => void} */
  trigger = () => {};
}

/** @type {Map<string, Place>} */
const places = new Map();
let current = VIEW;
/** Whether the reader has done something since the server was asked for an address. */
let acted = false;
/** Selects the tab of the current view. */
let select = () => {};
/** The value of `THEME`. @type {string | null} */
let theme = null;

/** @param {string} view */
function placeOf(view) {
  const place = places.get(view) ?? new Place();
  places.set(view, place);
  return place;
}

/**
 * A query that names its view and the page's language.
 * @param {string} view
 * @param {string} query
 */
function whole(view, query) {
  const made = new URLSearchParams({ view, lang: language() });
  new URLSearchParams(query).forEach((value, name) => made.has(name) || name === THEME || made.append(name, value));
  return String(made);
}

/**
 * The same, at most `LONGEST` characters long.
 * @param {string} view
 * @param {string} query
 */
function short(view, query) {
  const made = new URLSearchParams(whole(view, query));
  if (String(made).length > LONGEST) made.delete('text');
  return String(made);
}

/** The view that is open. */
export const opened = () => current;

/** The query of what is shown now, as an address has it. */
export const shown = () => short(current, placeOf(current).read());

/** Whether `shown` leaves the text out. */
export const cut = () =>
  new URLSearchParams(placeOf(current).read()).has('text') && !new URLSearchParams(shown()).has('text');

/** Reads the address with which the page was opened; listens to the reader. */
export function start() {
  const params = new URLSearchParams(location.search);
  current = params.get('view') ?? VIEW;
  theme = params.get(THEME);
  placeOf(current).bar = location.search.slice(1);
  document.documentElement.dataset.opening = current; // until another view is opened, no other one is visible (theme.py)
  for (const event of ['pointerdown', 'keydown']) document.addEventListener(event, () => (acted = true), true);
  document.addEventListener('click', follow);
  document.addEventListener('language', () => {
    const place = placeOf(current);
    place.bar = short(current, place.bar ?? '');
    write();
  });
  window.addEventListener('popstate', ({ state }) => {
    if (!state?.view) return history.replaceState(entry(), ''); // a place on the page (#)
    const before = current;
    show(state.view, state.query, location.search.slice(1));
    if (current !== before) land();
    write(); // in the page's language
  });
}

/**
 * Names the views that there are, and how to select the tab of the current one.
 * @param {string[]} views
 * @param {() => void} chosen
 */
export function tabs(views, chosen) {
  select = chosen;
  if (!views.includes(current)) {
    placeOf(VIEW).bar = placeOf(current).bar;
    places.delete(current);
    document.documentElement.dataset.opening = current = VIEW;
  }
  views.forEach(placeOf);
}

/**
 * Names how a view asks the server for an address.
 * @param {string} view
 * @param {Place['trigger']} trigger
 */
export function listen(view, trigger) {
  placeOf(view).trigger = trigger;
}

/**
 * What a view is asked for now: gradio sends an event that has waited for an answer with the data of an earlier one.
 * @param {string} view
 */
export const wanted = (view) => placeOf(view).last;

/**
 * A view tells what it shows. When the reader has changed it, the address bar follows; what an address led to leaves
 * the address as it is.
 * @param {string} view
 * @param {() => string} read returns the query of what is shown, such as `models=a,b&text=the`
 * @param {string} step a change of it makes a new entry in the history, such as another question
 */
export function report(view, read, step = '') {
  const place = placeOf(view);
  const another = acted && place.asked === null && place.step !== null && place.step !== step;
  Object.assign(place, { read, step, asked: null });
  if (acted) place.bar = short(view, read());
  if (view === current) write(another);
}

/**
 * Shows what an address asks for. A query that only names a view opens the view as the reader left it.
 * @param {string} query
 */
export function go(query) {
  const params = new URLSearchParams(query);
  const named = params.get('view') ?? VIEW;
  const view = places.has(named) ? named : VIEW;
  const asks = [...params.keys()].some((name) => !['view', 'lang', THEME].includes(name));
  write(); // the entry that is left: gradio has changed it if the reader looked at the API
  const before = location.href;
  const learnt = LEARNS.test(query);
  if (asks) show(view, whole(view, query), whole(view, query), learnt);
  else show(view, null, placeOf(view).bar);
  write(new URL(address(), location.href).href !== before);
  window.scrollTo(0, 0);
}

/**
 * @param {string} view
 * @param {string | null} query what it must show; null: what it shows already
 * @param {string | null} bar the query in the address bar; null: the view has not been open
 * @param {boolean} [learnt] whether the same query may show something else now
 */
function show(view, query, bar, learnt = false) {
  const place = placeOf(view);
  const wanted = whole(view, query ?? '');
  const differs = query !== null && (learnt || wanted !== whole(view, place.asked ?? place.read()));
  const asks = differs || place.bar === null;
  current = view;
  delete document.documentElement.dataset.opening;
  place.bar = bar ? short(view, bar) : (bar ?? short(view, wanted));
  select();
  if (asks) {
    acted = false;
    place.asked = place.last = wanted;
    // Only after `go` has written the new entry: a view that reports at once would change the one that is left.
    queueMicrotask(() => place.trigger('select', { query: wanted }));
  }
  document.dispatchEvent(new CustomEvent('address', { detail: { asks, learnt } }));
}

/** What the history keeps beside the present address. */
const entry = () => ({ view: current, query: placeOf(current).asked ?? whole(current, placeOf(current).read()) });

/** The present address, relative to the page. */
function address() {
  const query = placeOf(current).bar ?? '';
  const made = query && theme && !query.includes(THEME) ? `${query}&${THEME}=${theme}` : query;
  return made ? '?' + made : location.pathname;
}

/**
 * Writes the present address into the history.
 * @param {boolean} anew as a new entry
 */
function write(anew = false) {
  history[anew ? 'pushState' : 'replaceState'](entry(), '', address());
}

/**
 * Follows a link to an address of the page without loading the page again.
 * @param {MouseEvent} event
 */
function follow(event) {
  const href = targetOf(event).closest?.('a')?.getAttribute('href');
  if (!href?.startsWith('?') || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)
    return;
  event.preventDefault();
  go(href);
  land();
}

/** Gives the focus to the view that is open, unless it is on the links to the views: these stay where they are. */
function land() {
  if (document.activeElement?.closest('.views')) return;
  /** @type {HTMLElement | null} */
  const panel = document.querySelector(`.view-${current}`);
  if (!panel) return void requestAnimationFrame(land); // gradio makes a view when it is opened first
  if (panel.offsetHeight) return take(panel);
  whenSeen(panel, () => {
    const isReached = panel.contains(document.activeElement); // a section in it has the focus already
    if (panel.matches(`.view-${current}`) && !isReached) take(panel);
  });
}
