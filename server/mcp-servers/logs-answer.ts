import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { ERROR_CATALOGUE } from '#contracts/errors.ts'
import { DownloadLogsQuery } from '#contracts/logs.ts'
import { Id } from '#contracts/names.ts'
import { resolveActor } from '#server/auth/resolve-actor.ts'
import type { UserCtx } from '#server/context.ts'
import { AppError, toErrorAnswer } from '#server/errors.ts'
import { logger } from '#server/logger.ts'
import { downloadLogs } from './logs-download.ts'

const TYPES = { text: 'text/plain; charset=utf-8', ndjson: 'application/x-ndjson' } as const

/** Answers a download of a server's log to an admin, signed in or by API key; every failure as JSON, by the one catalogue. */
export async function answerDownload(request: Request, serverId: string): Promise<Response> {
  const requestId = randomUUID()
  try {
    const ctx = await requireAdmin(request, requestId)
    const query = Object.fromEntries(new URL(request.url).searchParams)
    const { id, ...input } = parse(DownloadLogsQuery.extend({ id: Id }), { ...query, id: serverId })
    const { name, lines } = await downloadLogs({ ctx, input: { ...input, id } })
    const extension = input.format === 'text' ? 'log' : 'ndjson'
    return new Response(streamOf(lines), {
      headers: {
        'content-type': TYPES[input.format],
        'content-disposition': `attachment; filename="${name}.${extension}"`,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'x-request-id': requestId,
      },
    })
  } catch (error) {
    if (!(error instanceof AppError)) logger.error({ err: error, requestId }, 'a download failed')
    const known = error instanceof AppError ? error : new AppError('INTERNAL', 'unknown', { cause: error })
    const { status } = ERROR_CATALOGUE[known.code]
    return Response.json({ error: toErrorAnswer(known, requestId) }, { status })
  }
}

async function requireAdmin(request: Request, requestId: string): Promise<UserCtx> {
  const actor = await resolveActor(request)
  if (!('userId' in actor)) throw new AppError('UNAUTHENTICATED', 'no user')
  if (actor.kind !== 'admin') throw new AppError('FORBIDDEN', 'not an admin')
  return { actor, requestId }
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const { fieldErrors, formErrors } = z.flattenError(parsed.error)
  throw new AppError('BAD_REQUEST', parsed.error.message, {
    fields: {
      ...(fieldErrors as Record<string, string[]>),
      ...(formErrors.length > 0 && { query: formErrors }),
    },
  })
}

/** Sent as fast as it is taken. */
function streamOf(lines: Iterator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream({
    pull(controller) {
      const next = lines.next()
      if (next.done) controller.close()
      else controller.enqueue(encoder.encode(next.value))
    },
  })
}
