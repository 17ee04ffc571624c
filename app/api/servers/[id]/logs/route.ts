import { answerDownload } from '#server/mcp-servers/logs-answer.ts'

export const dynamic = 'force-dynamic'

export async function GET(
  request: Request,
  { params }: { params: Promise<{ id: string }> },
): Promise<Response> {
  const { id } = await params
  return answerDownload(request, id)
}
