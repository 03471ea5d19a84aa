/** What every client is asked to do, in its own way. */
export interface Talker {
  tools(): Promise<readonly string[]>;
  /** All text of the result. */
  call(name: string, args: { readonly [name: string]: unknown }): Promise<string>;
  resources(): Promise<readonly string[]>;
  /** The text or the base64 of it. */
  read(uri: string): Promise<string>;
  /** Null: this client knows no prompts. Otherwise how many messages the prompt has. */
  readonly prompt: ((name: string) => Promise<number>) | null;
  close(): Promise<void>;
}

export interface Entry {
  readonly name: string;
  open(mcpUrl: string, token: string): Promise<Talker>;
}

export const textOf = (content: unknown): string =>
  (Array.isArray(content) ? content : [])
    .map((block: { readonly text?: string }) => block.text ?? '')
    .join('\n');
