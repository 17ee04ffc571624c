import { describe, expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { useTestEnvironment } from '#testing/env.ts'

const { database } = await useTestEnvironment()

interface FunctionFacts {
  name: string
  definer: boolean
  owner: string
  config: string[] | null
  public: boolean
}

const functions = await query<FunctionFacts>(
  database.adminUrl,
  `SELECT p.proname AS name, p.prosecdef AS definer, r.rolname AS owner, p.proconfig AS config,
     EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
       WHERE a.grantee = 0 AND a.privilege_type = 'EXECUTE') AS public
   FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner JOIN pg_namespace n ON n.oid = p.pronamespace
   WHERE n.nspname IN ('app', 'public') ORDER BY 1`,
)

describe('functions', () => {
  it('are there', () => expect(functions.map(({ name }) => name)).toContain('can_see_server'))

  it.each(functions)('$name has a fixed search_path and is not for everybody', (facts) => {
    expect(facts.config?.some((setting) => /^search_path=pg_catalog(, public)?$/.test(setting))).toBe(true)
    expect(facts.public).toBe(false)
    expect(facts.owner).toBe(facts.definer ? 'toolberth_definer' : 'toolberth_owner')
  })

  it('of the definer role name every table with its schema, so that a temporary one cannot take its place', async () => {
    const bodies = await query<{ name: string; source: string }>(
      database.adminUrl,
      `SELECT proname AS name, prosrc AS source FROM pg_proc WHERE prosecdef AND pronamespace = 'app'::regnamespace`,
    )
    for (const { name, source } of bodies) {
      // What is called is a function: those are found in pg_catalog alone, which nobody else can write to.
      const tables = [
        ...source.matchAll(/(?<!DISTINCT )\b(?:FROM|JOIN|UPDATE|INTO)\s+(?!\()([a-z_.]+)(?![a-z_.(])/g),
      ].map((match) => match[1])
      const own = [...source.matchAll(/\b([a-z_]+) AS \(/g)].map((match) => match[1])
      const bare = tables.filter((table) => !table?.startsWith('public.') && !own.includes(table))
      expect({ name, bare }).toEqual({
        name,
        bare: [],
      })
    }
  })
})

describe('tables', () => {
  it('have row-level security enabled and forced, and belong to the owner', async () => {
    const rows = await query(
      database.adminUrl,
      `SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, r.rolname FROM pg_class c
       JOIN pg_roles r ON r.oid = c.relowner WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
       AND c.relname <> '_prisma_migrations'
       AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND r.rolname = 'toolberth_owner')`,
    )
    expect(rows).toEqual([])
  })

  it('each have a policy', async () => {
    const rows = await query(
      database.adminUrl,
      `SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
       AND c.relname <> '_prisma_migrations' AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid)`,
    )
    expect(rows).toEqual([])
  })

  it('give nothing to everybody, and the definer role no more than its functions need', async () => {
    const grants = await query<{ grantee: string; table_name: string; privilege_type: string }>(
      database.adminUrl,
      `SELECT grantee, table_name, privilege_type FROM information_schema.role_table_grants
       WHERE table_schema IN ('public', 'app') AND grantee NOT IN ('toolberth_owner', 'toolberth_app')`,
    )
    expect(grants.filter(({ grantee }) => grantee !== 'toolberth_definer')).toEqual([])
    expect([...new Set(grants.map(({ privilege_type }) => privilege_type))]).toEqual(['SELECT'])
    expect(grants.map(({ table_name }) => table_name)).not.toContain('revision_env')
    expect(grants.map(({ table_name }) => table_name)).not.toContain('revision_headers')
    expect(grants.map(({ table_name }) => table_name)).not.toContain('control_identities')
    expect(grants.map(({ table_name }) => table_name)).not.toContain('registry_credentials')
  })
})

describe('roles', () => {
  it('cannot step over row-level security', async () => {
    const rows = await query(
      database.adminUrl,
      `SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcanlogin FROM pg_roles
       WHERE rolname LIKE 'toolberth_%' ORDER BY 1`,
    )
    const weak = { rolsuper: false, rolbypassrls: false, rolcreaterole: false }
    expect(rows).toEqual([
      { rolname: 'toolberth_app', rolcanlogin: true, ...weak },
      { rolname: 'toolberth_definer', rolcanlogin: false, ...weak },
      { rolname: 'toolberth_owner', rolcanlogin: true, ...weak },
    ])
  })
})
