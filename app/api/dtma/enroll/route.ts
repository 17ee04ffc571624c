import { enrollToolbox } from '#server/toolboxes/enroll.ts'
import { answerAgent } from '#server/toolboxes/ingress.ts'

export const dynamic = 'force-dynamic'

export function POST(request: Request): Promise<Response> {
  return answerAgent(request, false, ({ body }) => enrollToolbox({ input: body }))
}
