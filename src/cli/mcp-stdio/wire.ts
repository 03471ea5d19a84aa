/** The three things that are asked of the agents' listener. A token goes to this one address and is never redirected. */
export interface Wire {
  post(headers: Headers, text: string, signal: AbortSignal): Promise<Response>;
  /** The stream of what the server says by itself, or the rest of one that broke. */
  listen(headers: Headers, signal: AbortSignal): Promise<Response>;
  /** Ends a session. */
  bye(headers: Headers, signal: AbortSignal): Promise<void>;
}

type Headers = Readonly<Record<string, string>>;

export function openWire(url: string, token: string, reach: typeof fetch): Wire {
  const send = (
    method: string,
    headers: Headers,
    signal: AbortSignal,
    body?: string,
  ): Promise<Response> =>
    reach(url, {
      method,
      signal,
      redirect: 'manual',
      headers: { ...headers, authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body }),
    });
  const both = 'application/json, text/event-stream';
  return {
    post: (headers, text, signal) =>
      send('POST', { ...headers, 'content-type': 'application/json', accept: both }, signal, text),
    listen: (headers, signal) => send('GET', { ...headers, accept: 'text/event-stream' }, signal),
    async bye(headers, signal) {
      const response = await send('DELETE', headers, signal);
      await response.body?.cancel();
    },
  };
}
