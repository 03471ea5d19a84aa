/** Controls of SQL tools. */
import type { Mutation } from './mutations.ts';

const guard = 'src/connectors/postgres/query-guard.ts';
const guardTest = 'src/connectors/postgres/query-guard.test.ts';

const functionTest = 'src/connectors/postgres/function.test.ts';

const ownTest = 'src/connectors/postgres/own-functions.test.ts';

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
    control: 'a login whose tools stand in functions touches no table',
    file: 'src/connectors/postgres/privileges.ts',
    find: 'bindings.filter((binding) => binding.function === undefined)',
    replace: 'bindings',
    test: functionTest,
  },
  {
    control: 'a function that is not the planned one is not called',
    file: 'src/connectors/postgres/drift.ts',
    find: 'if (oid === null) throw drifted();',
    replace: '',
    test: functionTest,
  },
  {
    control: 'the body of a function is sealed',
    file: 'src/connectors/postgres/tool-function.ts',
    find: 'AND ${SEAL} = $3::text, false)',
    replace: 'AND $3::text <> chr(32), false)',
    test: functionTest,
  },
  {
    control: 'a function is closed to PUBLIC',
    file: 'src/connectors/postgres/grants-function.ts',
    find: 'REVOKE ALL ON ${signature} FROM PUBLIC;',
    replace: '',
    test: functionTest,
  },
  {
    control: 'a write knows the OID of its function',
    file: 'src/connectors/postgres/tool-function.ts',
    find: 'f.oid = coalesce($4::text, f.oid)',
    replace: 'f.oid = coalesce(f.oid, $4::text)',
    test: functionTest,
  },
  {
    control: 'a function that a login may be in is not dropped under it',
    file: 'src/connectors/postgres/grants-function.ts',
    find: 'if (!wanted.has(owner) && !busy)',
    replace: 'if (!wanted.has(owner))',
    test: functionTest,
  },
  {
    control: 'a function of the target is called when it is listed',
    file: 'src/connectors/postgres/dependencies.ts',
    find: 'if (dependency.function !== null && own.has(dependency.function)) return;',
    replace: 'if (dependency.function !== null) return;',
    test: ownTest,
  },
  {
    control: 'what a listed function may do raises the class',
    file: 'src/connectors/postgres/reach.ts',
    find: 'writes: acts.writing.has(one.oid),',
    replace: 'writes: false,',
    test: ownTest,
  },
  {
    control: 'a changed body of a listed function stops the tool',
    file: 'src/connectors/postgres/fingerprint.ts',
    find: "md5(concat_ws(' ', p.prosrc, pg_get_function_sqlbody(p.oid))))",
    replace: "md5(''))",
    test: ownTest,
  },
  {
    control: 'a tool is below production only when all that it reaches is',
    file: 'src/config/tables.ts',
    find: 'if (!touched.all || found.size !== 1 ||',
    replace: 'if (found.size < 1 ||',
    test: 'src/config/tables.test.ts',
  },
  {
    control: 'SQLite refuses what was not planned',
    file: 'src/connectors/sqlite/keeper.ts',
    find: 'return constants.SQLITE_DENY;\n    });',
    replace: 'return constants.SQLITE_OK;\n    });',
    test: 'src/connectors/sqlite/connector.test.ts',
  },
  {
    control: 'a GraphQL removal below a field that only groups is one',
    file: 'src/tools/graphql.ts',
    find: 'acts: acts && (!groups ||',
    replace: 'acts: acts && (!groups) && (!groups ||',
    test: 'src/tools/graphql.test.ts',
  },
];
