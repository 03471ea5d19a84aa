const ANNOTATION =
  /^\s*(?:\/\/[^\n]*\n|@\s*[A-Za-z_][A-Za-z0-9_]*\s*(?:\(\s*"(?:[^"\\]|\\[\s\S])*"\s*\))?)/;

/** `permit` or `forbid`, of the text of one policy; `permit`, which is looked at harder, where it cannot be told. */
export function effectOf(text: string | undefined): 'permit' | 'forbid' {
  let rest = text ?? '';
  for (let found = ANNOTATION.exec(rest); found !== null; found = ANNOTATION.exec(rest))
    rest = rest.slice(found[0].length);
  return /^\s*forbid\b/.test(rest) ? 'forbid' : 'permit';
}
