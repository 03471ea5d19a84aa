import { plain } from '../surfaces/admin/reveal.ts';
import type { LintFinding } from '../tools/lint.ts';
import type { Command } from './command.ts';
import { EXIT } from './exit.ts';
import { count } from './render.ts';

type Held = LintFinding & { readonly godMode: boolean; readonly agents: readonly string[] };

export const lint: Command = {
  name: 'lint',
  summary:
    'name the tools in force that can do anything (run SQL, a shell, any address); exit code 1 when there is one',
  usage: '',
  positionals: [0, 0],
  options: {},
  run: async ({ api, style }) => {
    const found = await api.get('/api/lint');
    const findings = (Array.isArray(found.findings) ? found.findings : []) as unknown as Held[];
    const lines = findings.map(({ tool, rule, says, fix, godMode, agents }) => {
      const head = `${plain(tool)}  ${godMode ? style.bad(rule) : rule}`;
      const whose =
        agents.length === 0
          ? 'granted to nobody'
          : `granted to ${agents.map((agent) => plain(agent)).join(', ')}`;
      return `${head}  ${whose}\n  ${plain(says)}\n  → ${plain(fix)}`;
    });
    return {
      json: found,
      text:
        lines.length === 0
          ? `nothing to say of ${count(Number(found.tools), 'tool')}`
          : lines.join('\n'),
      exit: findings.some(({ godMode }) => godMode) ? EXIT.failed.code : EXIT.ok.code,
    };
  },
};
