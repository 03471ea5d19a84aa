import type { Config } from './config.ts';

/** What a file may say and probably does not mean. */
export function warningsOf(config: Omit<Config, 'warnings'>): string[] {
  const granted = new Set(config.grants.map(({ tool }) => tool));
  const used = new Set(Object.values(config.tools).map(({ connection }) => connection));
  const holders = new Set(config.grants.map(({ agent }) => agent));
  const { domains } = config.organisation;
  const at = (section: string, name: string) => config.at(`/${section}/${name}`, 'key');
  return [
    ...Object.keys(config.connections)
      .filter((name) => !used.has(name))
      .map((name) => `${at('connections', name)} connection \`${name}\` is used by no tool`),
    ...Object.keys(config.tools)
      .filter((name) => !granted.has(name))
      .map((name) => `${at('tools', name)} tool \`${name}\` is granted to nobody`),
    ...Object.values(config.agents).flatMap(({ name, owner }) => [
      ...(holders.has(name) ? [] : [`${at('agents', name)} agent \`${name}\` holds no grant`]),
      ...(domains.length === 0 || domains.some((domain) => isWithin(owner, domain))
        ? []
        : [
            `${config.at(`/agents/${name}/owner`)} the owner of \`${name}\` is outside the organisation’s domains`,
          ]),
    ]),
  ];
}

function isWithin(owner: string, domain: string): boolean {
  const host = owner.slice(owner.lastIndexOf('@') + 1).toLowerCase();
  return host === domain || host.endsWith(`.${domain}`);
}
