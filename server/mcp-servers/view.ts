import { ErrorCode, Failure } from '#contracts/errors.ts'
import { ToolDefinition } from '#contracts/probe.ts'
import type { ServerDetail, ServerSummary } from '#contracts/servers.ts'
import type { Prisma } from '#server/db/generated/client.ts'
import { RevisionSpec } from '#server/deployments/spec.ts'
import { toFailure } from '#server/errors.ts'

/** What a list needs of a server that anybody may see. */
export const PUBLIC_INCLUDE = { _count: { select: { tools: true } } } satisfies Prisma.McpServerInclude
/** What an admin sees besides: row-level security gives these tables to admins only. */
export const ADMIN_INCLUDE = {
  ...PUBLIC_INCLUDE,
  toolbox: { select: { id: true, name: true, state: true } },
  revisions: { orderBy: { number: 'desc' }, take: 1 },
  deployments: {
    orderBy: { createdAt: 'desc' },
    take: 1,
    select: { id: true, state: true, phase: true, failure: true },
  },
} satisfies Prisma.McpServerInclude

type PublicRow = Prisma.McpServerGetPayload<{ include: typeof PUBLIC_INCLUDE }>
type AdminRow = Prisma.McpServerGetPayload<{ include: typeof ADMIN_INCLUDE }>

export function publicSummary(row: PublicRow): ServerSummary {
  const code = ErrorCode.safeParse(row.failureCode)
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    state: row.observed,
    desired: row.desired,
    visibility: row.visibility,
    toolbox: null,
    source: null,
    transport: null,
    toolCount: row._count.tools,
    failure: code.success ? toFailure(code.data) : null,
    deployment: null,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  }
}

export function adminSummary(row: AdminRow): ServerSummary {
  const [revision] = row.revisions
  const [deployment] = row.deployments
  const spec = revision ? RevisionSpec.parse(revision.spec) : null
  const known = Failure.safeParse(deployment?.failure)
  const summary = publicSummary(row)
  return {
    ...summary,
    toolbox: row.toolbox,
    source: spec?.source ?? null,
    transport: spec?.transport ?? null,
    failure:
      summary.failure && known.success && known.data.code === summary.failure.code
        ? known.data
        : summary.failure,
    deployment: deployment ? { id: deployment.id, state: deployment.state, phase: deployment.phase } : null,
  }
}

export function serverInfoOf(row: { serverInfo: unknown }): ServerDetail['serverInfo'] {
  const info = row.serverInfo as { name?: unknown; version?: unknown; protocolVersion?: unknown } | null
  if (typeof info?.name !== 'string' || typeof info.protocolVersion !== 'string') return null
  return {
    name: info.name,
    version: typeof info.version === 'string' ? info.version : null,
    protocolVersion: info.protocolVersion,
  }
}

export function toolsOf(rows: { definition: unknown }[]): ToolDefinition[] {
  return rows.map((row) => ToolDefinition.parse(row.definition))
}
