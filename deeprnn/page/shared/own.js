// The board of the visitor's own models (see own.py). It draws nothing; the pickers read its value.

/** Asks the server. @type {() => void} */
let ask = () => {};

/** @param {{ trigger: (event: string) => void }} board */
export function mount({ trigger }) {
  ask = () => trigger('select');
}

/** Asks the server again which models are the visitor's own: one has come, or was removed. Others' stay listed. */
export function refresh() {
  ask();
}
