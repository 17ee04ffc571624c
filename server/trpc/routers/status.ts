import { tracked } from '@trpc/server'
import { Overview, StreamInput, type StreamMessage } from '#contracts/events.ts'
import { QueueReport } from '#contracts/queues.ts'
import { streamEvents } from '#server/events/stream.ts'
import { streamSignal } from '#server/events/streams.ts'
import { getQueueReport } from '#server/queues/pressure.ts'
import { getOverview } from '#server/status/overview.ts'
import { procedure, router } from '#server/trpc/init.ts'

export const status = router({
  queues: procedure('admin').output(QueueReport).query(getQueueReport),
  overview: procedure('signed-in').output(Overview).query(getOverview),
  stream: procedure('signed-in')
    .input(StreamInput)
    .subscription(async function* ({ ctx, input, signal }) {
      const { serverId, agentId } = input
      const events = streamEvents({
        actor: ctx.actor,
        from: input.lastEventId ?? input.cursor ?? null,
        signal: streamSignal(signal),
        matches: (event) =>
          (!serverId || event.serverId === serverId) && (!agentId || event.agentId === agentId),
      })
      for await (const { cursor, message } of events) yield tracked(cursor, message satisfies StreamMessage)
    }),
})
