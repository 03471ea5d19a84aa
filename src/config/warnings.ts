import type { Config } from './config.ts';
import { servesAnything } from './declare-mcp.ts';
import { covers, isPattern } from './granted.ts';

/** What a file may say and probably does not mean. */
export function warningsOf(config: Omit<Config, 'warnings'>): string[] {
  const granted = new Set(config.grants.map(({ tool }) => tool));
  const patterns = [...granted].filter(isPattern);
  const used = new Set([
    ...Object.values(config.tools).map(({ connection }) => connection),
    ...Object.keys(config.serving).filter((name) => {
      const serving = config.serving[name];
      return serving !== undefined && servesAnything(serving);
    }),
  ]);
  const holders = new Set(config.grants.map(({ agent }) => agent));
  const { domains } = config.organisation;
  const at = (section: string, name: string) => config.at(`/${section}/${name}`, 'key');
  return [
    ...Object.keys(config.connections)
      .filter((name) => !used.has(name))
      .map((name) =>
        Object.hasOwn(config.serving, name)
          ? `${at('connections', name)} connection \`${name}\` serves nothing`
          : `${at('connections', name)} connection \`${name}\` is used by no tool`,
      ),
    ...(patterns.includes('*')
      ? [
          '`*` grants every tool there is, and every one that is added later: `signalbox plan` shows each',
        ]
      : []),
    ...Object.keys(config.tools)
      .filter((name) => !granted.has(name) && !patterns.some((pattern) => covers(pattern, name)))
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
