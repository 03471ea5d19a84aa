/** Files that must be refused. `§` stands where the fault is to be reported; it is taken out before loading. */
export interface Hostile {
  readonly name: string;
  readonly text: string;
  readonly code: string;
  readonly says: RegExp;
  /** What the help must say. */
  readonly help?: RegExp;
}

export const HEAD = 'version: 1\norganisation: { name: acme, domains: [acme.example] }\n';
export const DB = `connections:
  db: { kind: postgres, host: 127.0.0.1, database: d, user: u, secret: s }
  api: { kind: http, url: "https://api.acme.example" }
`;
export const TOOL = `tools:
  get: { connection: db, description: d, sql: select 1 }
agents:
  bot: { owner: dana@acme.example }
`;
export const ALL = HEAD + DB + TOOL;

/** A file with one HTTP tool of these lines. */
export const http = (lines: string) =>
  `${HEAD}${DB}tools:\n  t:\n    connection: api\n    description: d\n${lines}`;
export const api = (settings: string) =>
  `${HEAD}connections:\n  api: { kind: http, ${settings} }\n`;

export const bad = (
  name: string,
  text: string,
  says: RegExp,
  help?: RegExp,
  code = 'CONFIG_INVALID',
): Hostile => ({ name, text, code, says, ...(help === undefined ? {} : { help }) });
export const syntax = (name: string, text: string, says: RegExp, help?: RegExp) =>
  bad(name, text, says, help, 'CONFIG_SYNTAX');
