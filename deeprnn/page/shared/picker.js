// The list of models that can be chosen: those that pass the filters, with titles in one language.

/** @typedef {[name: string, titles: Record<string, string>, filtered: string[]]} Model */

/**
 * gradio's update of the list: the models that pass the filters, and those that are chosen already.
 * @param {Model[]} models with their titles by the name of a language, and the value that each filter compares
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
