import type { Metadata } from 'next'
import { ServerListScreen } from '#app/components/servers/server-list.tsx'

export const metadata: Metadata = { title: 'Servers' }

export default function ServersPage() {
  return <ServerListScreen />
}
