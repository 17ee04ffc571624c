import type { Metadata } from 'next'
import { AgentListScreen } from '#app/components/agents/agent-list.tsx'

export const metadata: Metadata = { title: 'My agents' }

export default function AgentsPage() {
  return <AgentListScreen />
}
