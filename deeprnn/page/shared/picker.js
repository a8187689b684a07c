// The list of models that can be chosen: those that pass the filters, with titles in one language; the reader's own first.

/** @typedef {[name: string, titles: Record<string, string>, filtered: string[]]} Model */
/** @typedef {{ first: Model[], models: Model[], wirings: string[] }} Offered `wirings`: of the models that are offered */

/** The names of all own models that there were: one that is not there any more leaves the choice. @type {Set<string>} */
const own = new Set();

/**
 * gradio's update of the list: the models that pass the filters, and those that are chosen already.
 * @param {Offered} offered models with their titles by the name of a language, and the value that each filter compares
 * @param {...any} controls the filters' values, the name or names chosen, the name of the language, the board of the
 *   reader's own models (see own.py)
 * @returns {{ __type__: string, choices: string[][], value?: string | string[] | null }}
 */
export function narrowed({ first, models, wirings }, ...controls) {
  const [chosen, language, board] = controls.splice(-3);
  /** @type {Model[]} */
  const mine = board ? JSON.parse(board).models : [];
  mine.forEach(([name]) => own.add(name));
  const gone = (/** @type {string} */ name) => own.has(name) && !mine.some(([there]) => there === name);
  const kept = [chosen ?? []].flat().filter((name) => !gone(name));
  const passes = (/** @type {Model} */ [name, , filtered]) =>
    kept.includes(name) || controls.every((wanted, index) => !wanted || wanted === filtered[index]);
  const listed = [...mine, ...models].filter(([, , filtered]) => wirings.includes(filtered[filtered.length - 1]));
  const choices = [...first, ...listed.filter(passes)].map(([name, titles]) => [titles[language], name]);
  const update = { __type__: 'update', choices };
  if (Array.isArray(chosen)) return chosen.some(gone) ? { ...update, value: kept } : update;
  return gone(chosen) ? { ...update, value: choices[0]?.[1] ?? null } : update;
}
