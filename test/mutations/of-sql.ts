/** Controls of SQL tools. */
import type { Mutation } from './mutations.ts';

const guard = 'src/connectors/postgres/query-guard.ts';
const guardTest = 'src/connectors/postgres/query-guard.test.ts';

export const OF_SQL: readonly Mutation[] = [
  {
    control: 'a guarded query has known nodes only',
    file: guard,
    find: 'if (known === undefined) throw',
    replace: 'if (known === undefined && kind === "") throw',
    test: guardTest,
  },
  {
    control: 'what a WITH names is seen in its SELECT only',
    file: guard,
    find: 'this.#scopes.pop();',
    replace: '',
    test: guardTest,
  },
  {
    control: 'a guarded query calls what is listed',
    file: guard,
    find: 'if (!QUERY_FUNCTIONS.has(name))',
    replace: 'if (name === "")',
    test: guardTest,
  },
  {
    control: 'a guarded query that is too dear does not run',
    file: 'src/connectors/postgres/query.ts',
    find: 'checkCost(explained[2]?.rows[0]?.[0], bounds);',
    replace: '',
    test: 'src/connectors/postgres/query.test.ts',
  },
  {
    control: 'SQLite refuses what was not planned',
    file: 'src/connectors/sqlite/keeper.ts',
    find: 'return constants.SQLITE_DENY;\n    });',
    replace: 'return constants.SQLITE_OK;\n    });',
    test: 'src/connectors/sqlite/connector.test.ts',
  },
];
