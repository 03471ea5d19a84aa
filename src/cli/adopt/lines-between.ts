import { plain } from '../../surfaces/admin/reveal.ts';

const MAX_TOLD = 400;

/** Lines that go (`-`) and that come (`+`), those around them left out. Values that follow a name of a secret are hidden. */
export function linesBetween(before: string, after: string): string[] {
  const [old, fresh] = [before.split(/\r?\n/), after.split(/\r?\n/)];
  let start = 0;
  while (start < old.length && start < fresh.length && old[start] === fresh[start]) start++;
  let end = 0;
  while (
    end < old.length - start &&
    end < fresh.length - start &&
    old.at(-1 - end) === fresh.at(-1 - end)
  )
    end++;
  const gone = old.slice(start, old.length - end).map((line) => `- ${shown(line)}`);
  const come = fresh.slice(start, fresh.length - end).map((line) => `+ ${shown(line)}`);
  return [...gone, ...come].slice(0, MAX_TOLD);
}

/** What could be a secret is not shown: only names and structure matter here. */
function shown(line: string): string {
  return plain(line.replaceAll(/(["']?)([\w+=.~/-]{16,})\1/g, (whole) => `${whole.slice(0, 5)}…`));
}
