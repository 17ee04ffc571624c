import { heartbeat } from '#server/toolboxes/heartbeat.ts'
import { answerAgent } from '#server/toolboxes/ingress.ts'

export const dynamic = 'force-dynamic'

export function POST(request: Request): Promise<Response> {
  return answerAgent(request, true, ({ toolboxId, body }) => heartbeat({ toolboxId, input: body }))
}
