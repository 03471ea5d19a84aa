/** A file that plans against nothing but itself: one HTTP tool, one agent, one grant. */
export const CONFIG = `version: 1
organisation: { name: acme, domains: [acme.example] }
connections:
  volumes: { kind: http, environment: production, url: https://volumes.acme.example }
tools:
  list_volumes:
    connection: volumes
    description: List the volumes
    http: { method: GET, path: /volumes }
agents:
  support: { owner: dana@acme.example }
grants:
  - { agent: support, tools: [list_volumes], rung: read }
`;
