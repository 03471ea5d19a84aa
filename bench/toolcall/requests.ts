/** The same `tools/call` of revision 2026-07-28 for every variant, as bytes made beforehand. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly token: string;
}

const VERSION = '2026-07-28';
const META = {
  'io.modelcontextprotocol/protocolVersion': VERSION,
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'load', version: '1.0.0' },
};

export function callBytes(
  { host, port, path, token }: Target,
  tool: string,
  id: number,
  text: string,
): Buffer {
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name: tool, arguments: { text }, _meta: META },
  });
  const head = [
    `POST ${path} HTTP/1.1`,
    `host: ${host}:${port}`,
    ...(token === '' ? [] : [`authorization: Bearer ${token}`]),
    'content-type: application/json',
    'accept: application/json, text/event-stream',
    `mcp-protocol-version: ${VERSION}`,
    'mcp-method: tools/call',
    `mcp-name: ${tool}`,
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}

export function targetOf(url: string, token: string): Target {
  const { hostname, port, pathname } = new URL(url);
  return { host: hostname, port: Number(port), path: pathname, token };
}
