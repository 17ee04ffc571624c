import { EnrollRequest, type EnrollResponse, HEARTBEAT_SECONDS, PROTOCOL_VERSIONS } from '#contracts/dtma.ts'
import { publicKeyFingerprint } from '#protocol/identity.ts'
import { negotiateProtocol } from '#protocol/versions.ts'
import { recordAudit } from '#server/audit/record.ts'
import { systemCtx } from '#server/context.ts'
import { Prisma } from '#server/db/generated/client.ts'
import { afterCommit, type Db, withActor } from '#server/db/with-actor.ts'
import { emit } from '#server/events/emit.ts'
import { hintReconcile } from '#server/reconcile/hint.ts'
import { hashToken } from '#server/secrets/tokens.ts'
import { requireOwnMachine } from './droplets/enrolment.ts'
import { controlCertificates } from './identities.ts'
import { IngressError } from './ingress-error.ts'
import { isPublicUrlUseless } from './public-url.ts'
import { moveToolbox } from './transition.ts'

/**
 * An agent registers the key that it made, with a one-time token. The toolbox becomes active once worker and gateway have reached
 * its advertised URL. Throws IngressError: ENROLLMENT_INVALID, PROTOCOL_UNSUPPORTED, BAD_REQUEST.
 */
export async function enrollToolbox({ input }: { input: unknown }): Promise<EnrollResponse> {
  const parsed = EnrollRequest.safeParse(input)
  if (!parsed.success)
    throw new IngressError(
      400,
      'BAD_REQUEST',
      parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '),
    )
  const request = parsed.data
  const protocolVersion = agreeOn(request.protocolVersions)
  requireUsableCertificate(request.certificate)
  const clients = await controlCertificates()
  const ctx = systemCtx('enrol')
  const enrolled = await withActor(ctx.actor, async (db) => {
    const [consumed] = await db.$queryRaw<
      { toolbox: string | null }[]
    >`SELECT app.consume_enrollment(${hashToken(request.token)}) AS toolbox`
    const toolboxId = consumed?.toolbox
    if (!toolboxId)
      throw new IngressError(
        401,
        'ENROLLMENT_INVALID',
        'The enrolment token is unknown, used or expired. Make a new one.',
      )
    const { kind, installationId } = await facts(db, toolboxId)
    if (kind !== 'local' && isPublicUrlUseless())
      throw new IngressError(
        400,
        'BAD_REQUEST',
        'PUBLIC_URL of the control plane is a loopback address: toolboxes on other machines cannot work with it.',
      )
    await requireOwnMachine(db, toolboxId, request.advertisedUrl)
    await db.toolbox.update({
      where: { id: toolboxId },
      data: {
        certificate: request.certificate,
        url: request.advertisedUrl,
        driver: request.driver,
        isolation: request.isolation,
        agentVersion: request.agentVersion,
        protocolVersion,
        host: request.host,
        bootId: null,
        sequence: 0,
        workerVerifiedAt: null,
        gatewayVerifiedAt: null,
        failure: Prisma.DbNull,
        bootstrap: Prisma.DbNull,
        upgrade: Prisma.DbNull,
      },
    })
    if (!(await moveToolbox(db, toolboxId, 'enrolling')))
      await emit(db, {
        type: 'toolbox.updated',
        subjectId: toolboxId,
        toolboxId,
        audience: ['admins'],
        data: { state: 'enrolling' },
      })
    await recordAudit(db, ctx, {
      action: 'toolbox.enrol',
      subjectType: 'toolbox',
      subjectId: toolboxId,
      detail: {
        url: request.advertisedUrl,
        key: publicKeyFingerprint(request.certificate),
        agentVersion: request.agentVersion,
      },
    })
    afterCommit(hintReconcile)
    return { toolboxId, installationId }
  })
  return { ...enrolled, protocolVersion, heartbeatSeconds: HEARTBEAT_SECONDS, clients }
}

async function facts(db: Db, toolboxId: string) {
  const { kind } = await db.toolbox.findUniqueOrThrow({ where: { id: toolboxId }, select: { kind: true } })
  const { id: installationId } = await db.installation.findFirstOrThrow({ select: { id: true } })
  return { kind, installationId }
}

function agreeOn(offered: number[]): number {
  const agreed = negotiateProtocol(offered)
  if (!agreed.ok)
    throw new IngressError(426, 'PROTOCOL_UNSUPPORTED', agreed.message, {
      protocolVersions: [...PROTOCOL_VERSIONS],
    })
  return agreed.version
}

function requireUsableCertificate(certificate: string): void {
  try {
    publicKeyFingerprint(certificate)
  } catch {
    throw new IngressError(400, 'BAD_REQUEST', 'certificate: is not a PEM certificate')
  }
}
