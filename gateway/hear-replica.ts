import { classifyMessage } from '#mcp/json-rpc.ts'
import type { BusMessage } from './bus.ts'
import type { GatewayContext } from './context.ts'
import { endLocally } from './legacy/handle-delete.ts'
import { createRemoteReply } from './modern/remote-reply.ts'

/** Does what another replica says. `processId`: this one. */
export function hearReplica(context: GatewayContext, processId: string, message: BusMessage): void {
  const { bus, streams } = context
  switch (message.kind) {
    case 'cancel':
      context.calls.cancel(message.sessionId, message.requestId)
      return
    case 'answer': {
      const response = classifyMessage(message.response)
      if (response?.kind === 'response') context.questions.answer(message.sessionId, response.message)
      return
    }
    case 'stream': {
      const stream = streams.get(message.sessionId)
      const said = classifyMessage(message.message)
      if (stream === undefined || said === null) return
      void stream.reply.send(said.message)
      if (said.kind === 'request') bus.publish({ kind: 'streamed', requestId: said.message.id })
      return
    }
    case 'streamed':
      return context.remoteStreams.sent(message.requestId)
    case 'session':
      if (message.ended) endLocally(context, message.sessionId)
      else streams.get(message.sessionId)?.refresh()
      return
    case 'resume': {
      if (message.heldBy !== processId) return
      const { replyTo, requestId } = message
      const to = () => createRemoteReply(bus, replyTo, requestId)
      if (!context.heldCalls.resume({ ...message, to }))
        bus.publish({ kind: 'resumed', replyTo, outcome: null })
      return
    }
    case 'told':
    case 'resumed':
      return context.remoteCalls.heard(message)
    default:
  }
}
