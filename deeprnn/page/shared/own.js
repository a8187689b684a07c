// The board of the visitor's own models (see own.py). It draws nothing; the pickers read its value.

/** Asks the server. @type {() => void} */
let ask = () => {};

/** @param {{ props: { value: string }, trigger: (event: string, detail: object) => void }} board */
export function mount({ props, trigger }) {
  ask = () => {
    /** @type {[string][]} */
    const listed = props.value ? JSON.parse(props.value).models : [];
    trigger('select', { models: listed.map(([name]) => name) });
  };
}

/** Asks the server again which models are the visitor's own: one has come, or was removed. Others' stay listed. */
export function refresh() {
  ask();
}
