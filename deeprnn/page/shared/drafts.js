// What a reader has typed stays when the page is loaded again: by the reader, or by gradio after a lost connection.

const KEY = 'deeprnn.drafts'; // in the storage of the tab
/** @type {Record<string, string>} */
const BOXES = {
  compare: '#prompt textarea',
  score: '#score-text textarea',
  inside: '#inside-text textarea',
};

/** Reads what there is now, by the name of a view. @type {Map<string, () => unknown>} */
const readers = new Map();
/** What there was before the page was loaded again. @type {Record<string, any>} */
let before = {};

/** Starts keeping what is typed into the boxes of gradio. */
export function start() {
  const again = ['reload', 'back_forward']; // not a visit by a link, which has texts of its own
  if (performance.getEntriesByType('navigation').some((one) => 'type' in one && again.includes(String(one.type))))
    before = stored();
  for (const [view, box] of Object.entries(BOXES)) {
    keep(view, () => /** @type {HTMLTextAreaElement | null} */ (document.querySelector(box))?.value);
  }
  window.addEventListener('pagehide', () => {
    const now = [...readers].map(([view, read]) => [view, read()]).filter(([, value]) => value !== undefined);
    try {
      sessionStorage.setItem(KEY, JSON.stringify({ ...before, ...Object.fromEntries(now) }));
    } catch {
      // storage is full or forbidden: nothing is kept
    }
  });
}

/** @returns {Record<string, any>} */
function stored() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? '{}');
  } catch {
    return {};
  }
}

/**
 * Keeps what a view has, and returns what it had before the page was loaded again, if it was.
 * @param {string} view
 * @param {() => unknown} read undefined: nothing, what was kept before stays
 */
export function keep(view, read) {
  readers.set(view, read);
  return before[view];
}

/**
 * The text of a view's box: what was typed before the page was loaded again, or else what is there.
 * @param {string} view
 * @param {string} there
 */
export const again = (view, there) => before[view] ?? there;
