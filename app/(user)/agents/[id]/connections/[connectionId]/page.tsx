import type { Metadata } from 'next'
import { ConnectionScreen } from '#app/components/connections/detail/connection-screen.tsx'

export const metadata: Metadata = { title: 'Connection' }

export default async function ConnectionPage({
  params,
}: {
  params: Promise<{ id: string; connectionId: string }>
}) {
  const { id, connectionId } = await params
  return <ConnectionScreen agentId={id} id={connectionId} />
}
