// The list of models that can be chosen: what passes the filters, titled in a language.

/** @typedef {[name: string, titles: Record<string, string>, filtered: string[]]} Model */

/**
 * The list as gradio takes it: those that pass the filters and those that are chosen already.
 * @param {Model[]} models with a title by the name of each language, and what each filter looks at
 * @param {...any} controls the filters' values, the names chosen, the name of the language
 */
export function narrowed(models, ...controls) {
  const language = controls.pop();
  const kept = controls.pop() ?? [];
  const passes = (/** @type {Model} */ [name, , filtered]) =>
    kept.includes(name) || controls.every((wanted, index) => !wanted || wanted === filtered[index]);
  const choices = models.filter(passes).map(([name, titles]) => [titles[language], name]);
  return { __type__: 'update', choices };
}
