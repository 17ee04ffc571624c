import { getAssignment } from '#server/toolboxes/assignment.ts'
import { answerAgent } from '#server/toolboxes/ingress.ts'

export const dynamic = 'force-dynamic'

export async function GET(
  request: Request,
  { params }: { params: Promise<{ id: string }> },
): Promise<Response> {
  const { id } = await params
  return answerAgent(request, true, ({ toolboxId }) => getAssignment({ toolboxId, instanceId: id }))
}
