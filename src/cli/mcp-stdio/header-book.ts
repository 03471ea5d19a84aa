import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { type MirroredParam, mirroredParams } from '../../protocols/mcp/mirror.ts';
import type { Spoken } from './spoken.ts';

const NONE: readonly MirroredParam[] = [];
const MOST_PAGES = 50;

/** Which arguments of which tool are mirrored into headers, as its list said; a client on lines knows nothing of it. */
export class HeaderBook {
  readonly #ask: (spoken: Spoken) => Promise<JsonObject>;
  readonly #byTool = new Map<string, readonly MirroredParam[]>();

  constructor(ask: (spoken: Spoken) => Promise<JsonObject>) {
    this.#ask = ask;
  }

  of(tool: Json | undefined): readonly MirroredParam[] {
    return this.#byTool.get(String(tool)) ?? NONE;
  }

  note({ tools }: JsonObject): void {
    for (const tool of Array.isArray(tools) ? tools : [])
      if (isJsonObject(tool) && typeof tool.name === 'string' && isJsonObject(tool.inputSchema))
        this.#byTool.set(tool.name, mirroredParams(tool.inputSchema).params);
  }

  /** Lists the tools because a call was refused for its headers. True when the book says otherwise now. */
  async learn(call: Spoken): Promise<boolean> {
    const before = JSON.stringify(this.of(call.params.name));
    const { _meta = {} } = call.params;
    let cursor: Json | undefined;
    for (let page = 0; page < MOST_PAGES; page++) {
      const params: JsonObject = { _meta, ...(cursor === undefined ? {} : { cursor }) };
      const message = { jsonrpc: '2.0', id: `headers-${page}`, method: 'tools/list', params };
      const text = JSON.stringify(message);
      const result = await this.#ask({ ...call, text, method: 'tools/list', params });
      cursor = result.nextCursor;
      if (cursor === undefined) break;
    }
    return JSON.stringify(this.of(call.params.name)) !== before;
  }
}
