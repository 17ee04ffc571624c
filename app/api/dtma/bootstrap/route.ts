import { reportBootstrap } from '#server/toolboxes/bootstrap.ts'
import { answerAgent } from '#server/toolboxes/ingress.ts'

export const dynamic = 'force-dynamic'

export function POST(request: Request): Promise<Response> {
  return answerAgent(request, false, ({ body }) => reportBootstrap({ input: body }))
}
