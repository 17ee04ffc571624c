import type { Metadata } from 'next'
import { TryScreen } from '#app/components/inspector/try-screen.tsx'

export const metadata: Metadata = { title: 'Try a tool' }

export default async function TryPage({ params }: { params: Promise<{ id: string }> }) {
  return <TryScreen agentId={(await params).id} />
}
