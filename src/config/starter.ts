import { stringify } from 'yaml';
import type { JsonObject } from '../domain/json.ts';

/** What `signalbox init` writes: small, commented, and granting nothing until something is applied. */
export function starterConfig(organisation = 'acme'): string {
  return `# yaml-language-server: $schema=./node_modules/signalbox/schema/signalbox.schema.json
#
# This file proposes. Nothing in it is in force before an operator has run:
#   signalbox plan     shows what would change, and everything that widens authority
#   signalbox apply    makes it active
# Secrets never stand here. Store them with: signalbox secret set NAME

version: 1

organisation:
  name: ${organisation}
  domains: []            # your domains; anything else is outside

# The systems behind tools. Without \`environment\` one counts as production.
connections: {}
#  shop-db:
#    kind: postgres
#    host: 127.0.0.1
#    database: shop
#    user: signalbox_broker      # a CREATEROLE login of its own, never a superuser
#    secret: shop-db-broker      # the name of its password

# Narrow operations. What a tool really does is derived from its statement or request;
# \`effect\` may only say more, never less.
tools: {}
#  get_customer:
#    connection: shop-db
#    description: One customer by id
#    sql: select id, name, email from customers where id = :id
#    input:
#      id: { type: integer }
#    cap: { rowsRead: 1 }

# Who may act, and which human answers for it.
agents: {}
#  support:
#    owner: you@example.com

# What is not granted is denied. Start with \`read\`, or with \`approve\` for a change.
grants: []
#  - { agent: support, tools: [get_customer], rung: read }

# Totals that are never passed.
limits:
  run: { calls: 200, rowsWritten: 100, rowsDeleted: 10 }
  agentDay: { calls: 5000 }

approvals:
  minutes: 60

# A run that does these is halted without a human; an owner lifts that.
automaticHalts:
  denials: { count: 100, seconds: 300 }
  unknownDestroys: { count: 1, seconds: 3600 }
`;
}

/** The least file that holds these connections. */
export function starterFile(organisation: string, connections: JsonObject): string {
  return stringify({ version: 1, organisation: { name: organisation, domains: [] }, connections });
}
