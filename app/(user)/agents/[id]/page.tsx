import type { Metadata } from 'next'
import { AgentDetailScreen } from '#app/components/agents/agent-detail.tsx'

export const metadata: Metadata = { title: 'Agent' }

export default async function AgentPage({ params }: { params: Promise<{ id: string }> }) {
  return <AgentDetailScreen id={(await params).id} />
}
