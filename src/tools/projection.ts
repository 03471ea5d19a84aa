import { isJsonObject, type Json } from '../domain/json.ts';

/** A JSON Pointer in its parts; `*` stands for every element of a list or member of an object. */
type Path = readonly string[];

/** The document with only what the pointers name, in its own shape: lists keep their order and lose what was not named. */
export function projected(document: Json, pointers: readonly string[]): Json {
  const kept = keep(document, pointers.map(partsOf));
  return kept === undefined ? {} : kept;
}

function keep(value: Json, paths: readonly Path[]): Json | undefined {
  if (paths.some((path) => path.length === 0)) return value;
  const below = (name: string) =>
    paths.filter(([first]) => first === name || first === '*').map((path) => path.slice(1));
  if (Array.isArray(value)) {
    const elements = value.flatMap((element: Json, i) =>
      kept(keepNamed(element, below(String(i)))),
    );
    return elements.length === 0 && value.length > 0 ? undefined : elements;
  }
  if (!isJsonObject(value)) return undefined;
  const members = Object.entries(value).flatMap(([name, member]) =>
    kept(keepNamed(member, below(name))).map((inner) => [name, inner] as const),
  );
  return members.length === 0 ? undefined : Object.fromEntries(members);
}

function keepNamed(value: Json, paths: readonly Path[]): Json | undefined {
  return paths.length === 0 ? undefined : keep(value, paths);
}

function kept(value: Json | undefined): Json[] {
  return value === undefined ? [] : [value];
}

function partsOf(pointer: string): string[] {
  return pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}
