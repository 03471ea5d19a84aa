/** Who calls the agents' listener, proven by a token. */
export type Caller =
  | { readonly kind: 'run'; readonly runId: string; readonly tokenHash: string }
  | { readonly kind: 'agent'; readonly agent: string; readonly tokenHash: string };
