/** The SDK's server as a child. `legacy`: it knows no modern revision. `exits`: it ends at what it does not know. */
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { sdkServer } from './sdk-server.ts';

serveStdio(() => sdkServer({ aborted: 0, calls: [] }));
