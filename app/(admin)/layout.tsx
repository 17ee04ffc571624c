import type { ReactNode } from 'react'
import { AppShell } from '#app/components/shell/app-shell.tsx'
import { requireAdmin } from '#app/session.ts'

export default async function AdminLayout({ children }: { children: ReactNode }) {
  return <AppShell user={await requireAdmin()}>{children}</AppShell>
}
