import type { Metadata } from 'next'
import { SettingsScreen } from '#app/components/settings/settings-screen.tsx'
import { requireUser } from '#app/session.ts'

export const metadata: Metadata = { title: 'Settings' }

export default async function SettingsPage() {
  const { role } = await requireUser()
  return <SettingsScreen admin={role === 'ADMIN'} />
}
