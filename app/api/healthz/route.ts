import { checkStores } from '#server/status/check-stores.ts'

export const dynamic = 'force-dynamic'

export async function GET(): Promise<Response> {
  const stores = await checkStores()
  return Response.json({ ok: stores.ok }, { status: stores.ok ? 200 : 503 })
}
