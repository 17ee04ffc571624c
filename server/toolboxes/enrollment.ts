import type { Enrollment } from '#contracts/toolboxes.ts'
import { recordAudit } from '#server/audit/record.ts'
import type { UserCtx } from '#server/context.ts'
import { Prisma } from '#server/db/generated/client.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { env } from '#server/env.ts'
import { AppError } from '#server/errors.ts'
import { emit } from '#server/events/emit.ts'
import { hashToken, newToken } from '#server/secrets/tokens.ts'
import { fetchToolbox } from './fetch.ts'
import { installScript } from './install-script.ts'
import { requirePublicUrl } from './public-url.ts'

/** A token that is not used within this time is worthless. */
const ENROLLMENT_MS = 60 * 60_000

/**
 * A new one-time token for a toolbox whose agent is not enrolled yet, or has lost its key; those before are worthless from now on.
 * What is enrolled stays so until the token is used. Throws AppError NOT_FOUND, TOOLBOX_IS_LOCAL, TOOLBOX_STATE_FORBIDS,
 * PUBLIC_URL_…, AGENT_NOT_PACKED.
 */
export async function renewEnrollment({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { id: string }
}): Promise<Enrollment> {
  requirePublicUrl()
  const script = await installScript()
  return withActor(ctx.actor, async (db) => {
    const toolbox = await fetchToolbox(db, input.id, { lock: true })
    if (toolbox.kind === 'local') throw new AppError('TOOLBOX_IS_LOCAL', toolbox.id)
    const droplet = await db.droplet.findUnique({ where: { toolboxId: toolbox.id }, select: { step: true } })
    // Until it is ready the token that it was made with is the only good one.
    if (droplet && droplet.step !== 'ready')
      throw new AppError('TOOLBOX_STATE_FORBIDS', toolbox.id, { detail: 'Its machine is not ready.' })
    const made = await makeEnrollment(db, toolbox.id)
    await db.toolbox.update({
      where: { id: toolbox.id },
      data: {
        bootstrap: Prisma.DbNull,
        ...((toolbox.state === 'enrolling' || toolbox.state === 'failed') && { failure: Prisma.DbNull }),
      },
    })
    await emit(db, {
      type: 'toolbox.updated',
      subjectId: toolbox.id,
      toolboxId: toolbox.id,
      audience: ['admins'],
      data: { state: toolbox.state },
    })
    await recordAudit(db, ctx, {
      action: 'toolbox.enrollment',
      subjectType: 'toolbox',
      subjectId: toolbox.id,
      detail: { name: toolbox.name, expiresAt: made.expiresAt.toISOString() },
    })
    return enrollmentView(toolbox.id, made, script.sha256)
  })
}

/** Writes a token, of which only the hash is kept; unused ones before it are deleted. */
export async function makeEnrollment(
  db: Db,
  toolboxId: string,
  lifetimeMs = ENROLLMENT_MS,
): Promise<{ token: string; expiresAt: Date }> {
  const token = newToken('tbe')
  const expiresAt = new Date(Date.now() + lifetimeMs)
  await db.toolboxEnrollment.deleteMany({ where: { toolboxId, usedAt: null } })
  await db.toolboxEnrollment.create({ data: { toolboxId, tokenHash: hashToken(token), expiresAt } })
  return { token, expiresAt }
}

/** The token with the commands that use it. `scriptSha256` is of the install script as it is now. */
export function enrollmentView(
  toolboxId: string,
  { token, expiresAt }: { token: string; expiresAt: Date },
  scriptSha256: string,
): Enrollment {
  const url = `${new URL(env.PUBLIC_URL).origin}/api/dtma/install.sh`
  const data = '/var/lib/toolberth-agent'
  const first = `curl -fsSLo /tmp/install.sh ${url} && echo "${scriptSha256}  /tmp/install.sh" | sha256sum -c -`
  // Without iptables servers would get no way out: the agent could not keep them from the cloud's metadata.
  const iptables =
    'command -v iptables >/dev/null || { apt-get -q update && apt-get -qy install iptables; } >/dev/null'
  const inside = `${iptables}; [ ! -x ${data}/app/start ] || exec ${data}/app/start; ${first} && exec sh /tmp/install.sh --driver docker --prefix ${data}/app --state ${data}/state --foreground`
  return {
    toolboxId,
    token,
    expiresAt: expiresAt.toISOString(),
    script: { url, sha256: scriptSha256 },
    commands: {
      piped: `curl -fsSL ${url} | sudo sh -s -- --token ${token}`,
      checked: [
        `curl -fsSLo install.sh ${url}`,
        `echo "${scriptSha256}  install.sh" | sha256sum -c -`,
        'less install.sh',
        `sudo sh install.sh --token ${token}`,
      ].join('\n'),
      docker: [
        'docker run -d --name toolberth-agent --restart unless-stopped --network host --cap-add NET_ADMIN \\',
        `  -v /var/run/docker.sock:/var/run/docker.sock -v toolberth-agent:${data} \\`,
        `  -e TOOLBERTH_TOKEN=${token} ${env.AGENT_IMAGE} \\`,
        `  sh -c '${inside}'`,
      ].join('\n'),
    },
  }
}
