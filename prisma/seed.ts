import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashPassword } from '#server/auth/passwords.ts'
import { seedCatalog } from '#server/catalog/seed.ts'
import { systemCtx } from '#server/context.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { hashToken, newToken, tokenPrefix } from '#server/secrets/tokens.ts'
import { ensureControlIdentities } from '#server/toolboxes/identities.ts'
import { SEED_ENTRIES } from './catalog/entries.ts'

const DEFAULT_EMAIL = 'admin@toolberth.local'
/** An enrolment token that is not used within this time is worthless. */
const ENROLLMENT_MS = 60 * 60_000

export interface Seeded {
  adminEmail: string
  /** One-time token for the local toolbox's agent, when it has to (re)enrol; else null. */
  enrollmentToken: string | null
}

/**
 * What a new installation starts with: its identity, the control plane's client identities, the first admin with password and API
 * key (written to `home`, 0600), the local toolbox and the catalog. Idempotent; what exists is left as it is. Needs the environment of
 * `server/env.ts`; `ADMIN_EMAIL` names the first admin, and `DTMA_HOME` with `DTMA_ADVERTISED_URL` say whether the local agent still
 * holds its enrolment at its address.
 */
export async function seed(options: { home: string; env: NodeJS.ProcessEnv }): Promise<Seeded> {
  await withActor(systemCtx('setup').actor, async (db) => {
    if ((await db.installation.count()) === 0) await db.installation.create({ data: {} })
  })
  await ensureControlIdentities()
  await seedCatalog(SEED_ENTRIES)
  const adminEmail = await ensureAdmin(options.home, options.env.ADMIN_EMAIL || DEFAULT_EMAIL)
  const enrollmentToken = await ensureLocalToolbox(options.env)
  return { adminEmail, enrollmentToken }
}

async function ensureAdmin(home: string, email: string): Promise<string> {
  const existing = await withActor(systemCtx('setup').actor, (db) =>
    db.user.findFirst({
      where: { role: 'ADMIN', disabledAt: null },
      orderBy: { createdAt: 'asc' },
      select: { id: true, email: true },
    }),
  )
  if (existing) {
    if (!existsSync(join(home, 'admin-api-key')))
      await withActor(systemCtx('setup').actor, (db) => makeApiKey(db, home, existing.id))
    return existing.email
  }
  const password = readSecret(home, 'admin-password') ?? randomBytes(18).toString('base64url')
  const passwordHash = await hashPassword(password)
  await withActor(systemCtx('setup').actor, async (db) => {
    const user = await db.user.create({
      data: { email, name: 'Admin', role: 'ADMIN', passwordHash },
      select: { id: true },
    })
    await makeApiKey(db, home, user.id)
    writeSecret(home, 'admin-password', password)
  })
  return email
}

async function makeApiKey(db: Db, home: string, userId: string): Promise<void> {
  const key = newToken('tbk')
  await db.apiKey.create({
    data: { userId, name: 'Made at set-up', prefix: tokenPrefix(key), hash: hashToken(key) },
  })
  writeSecret(home, 'admin-api-key', key)
}

async function ensureLocalToolbox(env: NodeJS.ProcessEnv): Promise<string | null> {
  return withActor(systemCtx('setup').actor, async (db) => {
    const local =
      (await db.toolbox.findFirst({ where: { kind: 'local', state: { not: 'deleting' } } })) ??
      (await db.toolbox.create({ data: { name: 'local', kind: 'local' } }))
    const agentIsEnrolled = existsSync(join(env.DTMA_HOME ?? '', 'state', 'enrollment.json'))
    const agentHasMoved = env.DTMA_ADVERTISED_URL !== undefined && env.DTMA_ADVERTISED_URL !== local.url
    if (local.certificate !== null && agentIsEnrolled && !agentHasMoved) return null
    const token = newToken('tbe')
    await db.toolboxEnrollment.deleteMany({ where: { toolboxId: local.id, usedAt: null } })
    await db.toolboxEnrollment.create({
      data: {
        toolboxId: local.id,
        tokenHash: hashToken(token),
        expiresAt: new Date(Date.now() + ENROLLMENT_MS),
      },
    })
    return token
  })
}

function readSecret(home: string, name: string): string | null {
  const file = join(home, name)
  return existsSync(file) ? readFileSync(file, 'utf8').trim() || null : null
}

function writeSecret(home: string, name: string, value: string): void {
  mkdirSync(home, { recursive: true, mode: 0o700 })
  writeFileSync(join(home, name), `${value}\n`, { mode: 0o600 })
}
