/** What every behaviour of the everything server is written against, whichever era carries it. */
export type Members = { readonly [name: string]: unknown };

/** One round of a call: the first has no answers; later ones carry what was asked for. */
export interface Turn {
  readonly arguments: { readonly [name: string]: unknown };
  /** By the keys of the questions. Whatever the client sent: believed in nothing. */
  readonly answers: Members;
  /** What the previous round left, proven unchanged; null in the first. */
  readonly state: string | null;
  /** What this client said it can be asked. */
  readonly capabilities: Members;
  /** Does nothing when the client asked for no progress. */
  progress(done: number, total: number): Promise<void>;
  log(level: 'info' | 'debug' | 'warning', text: string): Promise<void>;
  /** Tells every subscriber. */
  changed(what: 'tools' | 'prompts'): Promise<void>;
  changed(what: 'resource', uri: string): Promise<void>;
}

export interface Question {
  readonly method: 'elicitation/create' | 'sampling/createMessage' | 'roots/list';
  readonly params: Members;
}

/** An answer, or what is wanted before there can be one. */
export type Said =
  | { readonly result: Members }
  | { readonly ask: { readonly [key: string]: Question }; readonly state?: string };

export type Behaviour = (turn: Turn) => Said | Promise<Said>;

export interface ToolFixture {
  readonly definition: Members & { readonly name: string; readonly inputSchema: Members };
  readonly behave: Behaviour;
}

export interface PromptFixture {
  readonly definition: Members & { readonly name: string };
  readonly behave: Behaviour;
}

export const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

export const text = (words: string): Members => ({ type: 'text', text: words });

export const content = (...blocks: readonly Members[]): Said => ({ result: { content: blocks } });

/** The `content` of an accepted form, or null. */
export function accepted(answer: unknown): Members | null {
  const { action, content: filled } = (answer ?? {}) as Members;
  return action === 'accept' && typeof filled === 'object' ? (filled as Members) : null;
}

export function form(message: string, properties: Members, required: readonly string[]): Question {
  return {
    method: 'elicitation/create',
    params: { mode: 'form', message, requestedSchema: { type: 'object', properties, required } },
  };
}

export function sampling(words: string, maxTokens: number): Question {
  const messages = [{ role: 'user', content: text(words) }];
  return { method: 'sampling/createMessage', params: { messages, maxTokens } };
}
