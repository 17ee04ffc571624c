import { randomUUID } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { openAppSession, REFUSED, type SqlActor, type SqlOutcome } from '#testing/app-session.ts'
import { query } from '#testing/database.ts'
import {
  seedAgent,
  seedApiKey,
  seedPassedTest,
  seedServer,
  seedToolbox,
  seedUser,
  useSeededInstallation,
} from '#testing/seeded.ts'
import { tableNames } from '#testing/tables.ts'

const { database } = await useSeededInstallation()

type ActorName = 'nobody' | 'alice' | 'bob' | 'admin' | 'system'
const [alice, bob, admin] = await Promise.all([seedUser(), seedUser(), seedUser({ role: 'ADMIN' })])
const ACTORS: Record<ActorName, SqlActor> = {
  nobody: { kind: '', id: '' },
  alice: { kind: 'user', id: alice.id },
  bob: { kind: 'user', id: bob.id },
  admin: { kind: 'admin', id: admin.id },
  system: { kind: 'system', id: '' },
}

const toolbox = await seedToolbox()
const open = await seedServer(toolbox.id)
const hidden = await seedServer(toolbox.id, { visibility: 'restricted', grants: [alice.id] })
const agent = await seedAgent(alice)
await seedApiKey(alice.id)
const test = await seedPassedTest(alice, agent.id, hidden)
const [connection, deployment] = [randomUUID(), randomUUID()]
await query(
  database.adminUrl,
  `INSERT INTO connections (id, agent_id, server_id, user_id, slug) VALUES ('${connection}', '${agent.id}', '${hidden.id}', '${alice.id}', 'hidden')`,
)
for (const made of [
  `connection_tools (connection_id, name, hash, definition) VALUES ('${connection}', 'a', sha256('a'), '{}')`,
  `connection_credentials (connection_id, kind, name, ciphertext, key_id) VALUES ('${connection}', 'env', 'A', '\\x00', 'k')`,
  `connection_test_credentials (test_id, kind, name, ciphertext, key_id) VALUES ('${test}', 'env', 'A', '\\x00', 'k')`,
  `connection_checks (connection_id, ok) VALUES ('${connection}', true)`,
  `calls (id, at, agent_id, connection_id, server_id, user_id, tool, outcome, ms, request_bytes, response_bytes)
    VALUES (gen_random_uuid(), now(), '${agent.id}', '${connection}', '${hidden.id}', '${alice.id}', 'a', 'ok', 1, 1, 1)`,
  `agent_tickets (hash, agent_id, user_id, expires_at) VALUES (sha256('a'), '${agent.id}', '${alice.id}', now())`,
])
  await query(database.adminUrl, `INSERT INTO ${made}`)
await query(
  database.adminUrl,
  `INSERT INTO deployments (id, server_id, revision_id, source_key, deadline_at) VALUES ('${deployment}', '${hidden.id}', '${hidden.revisionId}', 'npm:x', now())`,
)
await query(
  database.adminUrl,
  `INSERT INTO deployment_phases (deployment_id, state) VALUES ('${deployment}', 'queued')`,
)
await query(
  database.adminUrl,
  `INSERT INTO revision_env (revision_id, name, secret, ciphertext, key_id) VALUES ('${hidden.revisionId}', 'A', true, '\\x00', 'k')`,
)
await query(
  database.adminUrl,
  `INSERT INTO revision_headers (revision_id, name, ciphertext, key_id) VALUES ('${hidden.revisionId}', 'A', '\\x00', 'k')`,
)
await query(
  database.adminUrl,
  `INSERT INTO toolbox_enrollments (toolbox_id, token_hash, expires_at) VALUES ('${toolbox.id}', sha256('a'), now())`,
)
await query(
  database.adminUrl,
  `INSERT INTO registry_credentials (host, username, password, key_id) VALUES ('registry.example', 'u', '\\x00', 'k')`,
)
await query(
  database.adminUrl,
  `INSERT INTO toolbox_metrics (toolbox_id, cpus, load, memory_total_bytes, memory_free_bytes, disk_total_bytes, disk_free_bytes)
   VALUES ('${toolbox.id}', 1, 0, 1, 1, 1, 1)`,
)
await query(
  database.adminUrl,
  `INSERT INTO droplets (toolbox_id, region, size, image, deadline_at) VALUES ('${toolbox.id}', 'r', 's', 'i', now())`,
)
await query(database.adminUrl, `INSERT INTO settings (name, ciphertext, key_id) VALUES ('one', '\\x00', 'k')`)
await query(database.adminUrl, 'INSERT INTO cloud_reaper DEFAULT VALUES')
const entry = randomUUID()
await query(
  database.adminUrl,
  `INSERT INTO catalog_entries (id, slug, title, description, origin) VALUES ('${entry}', 'entry', 'Entry', '', 'created')`,
)
await query(
  database.adminUrl,
  `INSERT INTO catalog_releases (entry_id, version, spec) VALUES ('${entry}', '1', '{}')`,
)
await query(database.adminUrl, `INSERT INTO outbox (queue, payload) VALUES ('provision', '{}')`)
await query(
  database.adminUrl,
  `INSERT INTO audit_entries (actor, action, subject_type) VALUES ('system:test', 'test.arrange', 'server')`,
)

/** A row of each table that belongs to alice, or to a server that only she was granted; and how one more of it is made. */
const ROWS: Record<string, { where: string; set: string; insert: string }> = {
  registry_credentials: {
    where: 'true',
    set: "key_id = 'x'",
    insert: "(host, username, password, key_id) VALUES ('another.example', 'u', '\\x00', 'k')",
  },
  installation: { where: 'true', set: 'pruned_xid = 0', insert: '(epoch) VALUES (gen_random_uuid())' },
  users: {
    where: `id = '${alice.id}'`,
    set: "name = 'New'",
    insert: "(email, password_hash) VALUES ('new@example.test', 'x')",
  },
  api_keys: {
    where: `user_id = '${alice.id}'`,
    set: "name = 'new'",
    insert: `(user_id, name, prefix, hash) VALUES ('${alice.id}', 'n', 'p', sha256('new'))`,
  },
  control_identities: {
    where: 'true',
    set: "key_id = 'x'",
    insert: "(name, certificate, private_key, key_id) VALUES ('third', 'c', '\\x00', 'k')",
  },
  toolboxes: {
    where: 'true',
    set: "driver = 'docker'",
    insert: "(name, kind) VALUES ('another', 'host')",
  },
  toolbox_enrollments: {
    where: 'true',
    set: 'used_at = now()',
    insert: `(toolbox_id, token_hash, expires_at) VALUES ('${toolbox.id}', sha256('b'), now())`,
  },
  mcp_servers: {
    where: `id = '${hidden.id}'`,
    set: "description = 'x'",
    insert: `(name, toolbox_id) VALUES ('another', '${toolbox.id}')`,
  },
  mcp_server_tools: {
    where: `server_id = '${hidden.id}'`,
    set: 'position = 7',
    insert: `(server_id, name, position, definition, hash) VALUES ('${hidden.id}', 'x', 1, '{}', sha256('x'))`,
  },
  server_grants: {
    where: `server_id = '${hidden.id}'`,
    set: 'created_at = now()',
    insert: `(server_id, user_id) VALUES ('${open.id}', '${alice.id}')`,
  },
  revisions: {
    where: `server_id = '${hidden.id}'`,
    set: "spec = '{}'",
    insert: `(server_id, number, spec) VALUES ('${hidden.id}', 2, '{}')`,
  },
  revision_env: {
    where: 'true',
    set: "key_id = 'x'",
    insert: `(revision_id, name, secret, ciphertext, key_id) VALUES ('${hidden.revisionId}', 'B', true, '\\x00', 'k')`,
  },
  revision_headers: {
    where: 'true',
    set: "key_id = 'x'",
    insert: `(revision_id, name, ciphertext, key_id) VALUES ('${hidden.revisionId}', 'B', '\\x00', 'k')`,
  },
  instances: {
    where: `server_id = '${hidden.id}'`,
    set: "phase = 'x'",
    insert: `(server_id, revision_id, toolbox_id, attempt, fence) VALUES ('${hidden.id}', '${hidden.revisionId}', '${toolbox.id}', 2, 2)`,
  },
  deployments: {
    where: `id = '${deployment}'`,
    set: "phase = 'x'",
    insert: `(server_id, revision_id, source_key, deadline_at, state, finished_at) VALUES ('${hidden.id}', '${hidden.revisionId}', 'k', now(), 'live', now())`,
  },
  toolbox_metrics: {
    where: 'true',
    set: 'load = 1',
    insert: `(toolbox_id, cpus, load, memory_total_bytes, memory_free_bytes, disk_total_bytes, disk_free_bytes)
      VALUES ('${toolbox.id}', 1, 0, 1, 1, 1, 1)`,
  },
  droplets: {
    where: 'true',
    set: "region = 'x'",
    insert: `(toolbox_id, region, size, image, deadline_at) VALUES ('${toolbox.id}', 'r', 's', 'i', now())`,
  },
  settings: {
    where: 'true',
    set: "key_id = 'x'",
    insert: "(name, ciphertext, key_id) VALUES ('another', '\\x00', 'k')",
  },
  cloud_reaper: { where: 'true', set: 'turns = 1', insert: 'DEFAULT VALUES' },
  deployment_phases: {
    where: `deployment_id = '${deployment}'`,
    set: "phase = 'x'",
    insert: `(deployment_id, state) VALUES ('${deployment}', 'preparing')`,
  },
  catalog_entries: {
    where: 'true',
    set: "title = 'New'",
    insert: "(slug, title, description, origin) VALUES ('another', 'Another', '', 'created')",
  },
  catalog_releases: {
    where: 'true',
    set: 'created_at = now()',
    insert: `(entry_id, version, spec) VALUES ('${entry}', '2', '{}')`,
  },
  outbox: { where: 'true', set: 'relayed_at = now()', insert: "(queue, payload) VALUES ('provision', '{}')" },
  agents: {
    where: `user_id = '${alice.id}'`,
    set: "name = 'new'",
    insert: `(user_id, name, token_hash, token_prefix) VALUES ('${alice.id}', 'n', sha256('n'), 'p')`,
  },
  connections: {
    where: `id = '${connection}'`,
    set: "slug = 'new'",
    insert: `(agent_id, server_id, user_id, slug) VALUES ('${agent.id}', '${open.id}', '${alice.id}', 'open')`,
  },
  connection_tests: {
    where: `id = '${test}'`,
    set: "state = 'cancelled'",
    insert: `(agent_id, server_id, user_id) VALUES ('${agent.id}', '${hidden.id}', '${alice.id}')`,
  },
  connection_tools: {
    where: `connection_id = '${connection}'`,
    set: 'enabled = false',
    insert: `(connection_id, name, hash, definition) VALUES ('${connection}', 'b', sha256('b'), '{}')`,
  },
  connection_credentials: {
    where: `connection_id = '${connection}'`,
    set: "key_id = 'x'",
    insert: `(connection_id, kind, name, ciphertext, key_id) VALUES ('${connection}', 'env', 'B', '\\x00', 'k')`,
  },
  connection_test_credentials: {
    where: `test_id = '${test}'`,
    set: "key_id = 'x'",
    insert: `(test_id, kind, name, ciphertext, key_id) VALUES ('${test}', 'env', 'B', '\\x00', 'k')`,
  },
  connection_checks: {
    where: `connection_id = '${connection}'`,
    set: 'ok = false',
    insert: `(connection_id, ok) VALUES ('${connection}', true)`,
  },
  calls: {
    where: `user_id = '${alice.id}'`,
    set: 'ms = 2',
    insert: `(id, at, agent_id, connection_id, server_id, user_id, tool, outcome, ms, request_bytes, response_bytes)
      VALUES (gen_random_uuid(), now(), '${agent.id}', '${connection}', '${hidden.id}', '${alice.id}', 'a', 'ok', 1, 1, 1)`,
  },
  agent_tickets: {
    where: `user_id = '${alice.id}'`,
    set: 'expires_at = now()',
    insert: `(hash, agent_id, user_id, expires_at) VALUES (sha256('b'), '${agent.id}', '${alice.id}', now())`,
  },
  events: {
    where: `audience @> ARRAY['user:${alice.id}']`,
    set: "data = '{}'",
    insert: `(type, subject_id, audience) VALUES ('user.updated', '${alice.id}', ARRAY['user:${alice.id}'])`,
  },
  audit_entries: {
    where: 'true',
    set: "actor = 'nobody'",
    insert: "(actor, action, subject_type) VALUES ('x', 'y', 'z')",
  },
  rights_version: { where: 'true', set: 'version = version + 1', insert: 'DEFAULT VALUES' },
}

/** What each may do with such a row: r(ead), i(nsert), u(pdate), d(elete). */
const MATRIX: Record<string, Record<ActorName, string>> = {
  installation: { nobody: 'r', alice: 'r', bob: 'r', admin: 'r', system: 'riud' },
  users: { nobody: '', alice: 'ru', bob: '', admin: 'riud', system: 'riud' },
  api_keys: { nobody: '', alice: 'riud', bob: '', admin: '', system: 'riud' },
  control_identities: { nobody: '', alice: '', bob: '', admin: '', system: 'riud' },
  toolboxes: { nobody: '', alice: '', bob: '', admin: 'riud', system: 'riud' },
  toolbox_enrollments: { nobody: '', alice: '', bob: '', admin: 'riud', system: 'riud' },
  mcp_servers: { nobody: '', alice: 'r', bob: '', admin: 'riud', system: 'riud' },
  mcp_server_tools: { nobody: '', alice: 'r', bob: '', admin: 'r', system: 'riud' },
  server_grants: { nobody: '', alice: 'r', bob: '', admin: 'riud', system: 'riud' },
  revisions: { nobody: '', alice: '', bob: '', admin: 'riud', system: 'riud' },
  revision_env: { nobody: '', alice: '', bob: '', admin: 'riud', system: 'riud' },
  revision_headers: { nobody: '', alice: '', bob: '', admin: 'riud', system: 'riud' },
  instances: { nobody: '', alice: '', bob: '', admin: 'riud', system: 'riud' },
  deployments: { nobody: '', alice: '', bob: '', admin: 'riud', system: 'riud' },
  toolbox_metrics: { nobody: '', alice: '', bob: '', admin: 'riud', system: 'riud' },
  droplets: { nobody: '', alice: '', bob: '', admin: 'riu', system: 'riu' },
  settings: { nobody: '', alice: '', bob: '', admin: '', system: 'riud' },
  cloud_reaper: { nobody: '', alice: '', bob: '', admin: 'riud', system: 'riud' },
  deployment_phases: { nobody: '', alice: '', bob: '', admin: 'riud', system: 'riud' },
  catalog_entries: { nobody: '', alice: '', bob: '', admin: 'riud', system: 'riud' },
  catalog_releases: { nobody: '', alice: '', bob: '', admin: 'riud', system: 'riud' },
  outbox: { nobody: '', alice: 'i', bob: 'i', admin: 'i', system: 'riud' },
  agents: { nobody: '', alice: 'riud', bob: '', admin: '', system: 'riud' },
  connections: { nobody: '', alice: 'riu', bob: '', admin: '', system: 'riud' },
  connection_tests: { nobody: '', alice: 'ri', bob: '', admin: '', system: 'riud' },
  connection_tools: { nobody: '', alice: 'riud', bob: '', admin: '', system: 'riud' },
  connection_credentials: { nobody: '', alice: 'riud', bob: '', admin: '', system: 'riud' },
  connection_test_credentials: { nobody: '', alice: 'rid', bob: '', admin: '', system: 'rid' },
  connection_checks: { nobody: '', alice: 'r', bob: '', admin: '', system: 'rid' },
  calls: { nobody: '', alice: 'r', bob: '', admin: 'r', system: 'rd' },
  agent_tickets: { nobody: '', alice: 'ri', bob: '', admin: '', system: 'rd' },
  events: { nobody: '', alice: 'ri', bob: 'i', admin: 'i', system: 'rid' },
  audit_entries: { nobody: '', alice: 'i', bob: 'i', admin: 'ri', system: 'ri' },
  registry_credentials: { nobody: '', alice: '', bob: '', admin: 'riud', system: 'riud' },
  rights_version: { nobody: 'r', alice: 'r', bob: 'r', admin: 'r', system: 'r' },
}

const session = await openAppSession(database.appUrl)
afterAll(() => session.close())
const as = (actor: ActorName, sql: string) => session.as(ACTORS[actor], sql)

/** What was hit by another rule (a key, a foreign key) was let through by the policies. */
async function allowed(actor: ActorName, table: string): Promise<string> {
  const row = ROWS[table]
  if (!row) return 'unknown table'
  const read = await as(actor, `SELECT * FROM ${table} WHERE ${row.where}`)
  const insert = await as(actor, `INSERT INTO ${table} ${row.insert}`)
  const update = await as(actor, `UPDATE ${table} SET ${row.set} WHERE ${row.where}`)
  const remove = await as(actor, `DELETE FROM ${table} WHERE ${row.where}`)
  const done = (outcome: SqlOutcome) =>
    outcome.error === null ? outcome.count > 0 : outcome.error.startsWith('23')
  return [read.count > 0 && 'r', done(insert) && 'i', done(update) && 'u', done(remove) && 'd']
    .filter(Boolean)
    .join('')
}

describe('who may do what with a row', () => {
  it('has a line for every table', async () => {
    const names = await tableNames(database.adminUrl)
    expect(Object.keys(MATRIX).toSorted()).toEqual(names)
    expect(Object.keys(ROWS).toSorted()).toEqual(names)
  })

  it.each(
    Object.entries(MATRIX).flatMap(([table, line]) =>
      Object.entries(line).map(([actor, expected]) => ({ table, actor: actor as ActorName, expected })),
    ),
  )('$table as $actor: "$expected"', async ({ table, actor, expected }) => {
    expect(await allowed(actor, table)).toBe(expected)
  })

  it('lets the app user touch no table but these', async () => {
    expect(await as('system', 'SELECT * FROM _prisma_migrations')).toMatchObject({ error: REFUSED })
    expect(await as('system', 'CREATE TABLE public.mine (id int)')).toMatchObject({ error: REFUSED })
    expect(await as('system', 'CREATE TABLE app.mine (id int)')).toMatchObject({ error: REFUSED })
    expect(await as('system', 'TRUNCATE events')).toMatchObject({ error: REFUSED })
    expect(await as('system', 'SET ROLE toolberth_owner')).toMatchObject({ error: REFUSED })
    expect(await as('system', 'SET ROLE toolberth_definer')).toMatchObject({ error: REFUSED })
    expect(await as('system', 'ALTER TABLE users DISABLE ROW LEVEL SECURITY')).toMatchObject({
      error: REFUSED,
    })
  })
})
