import type { ReactNode } from 'react'
import { AppShell } from '#app/components/shell/app-shell.tsx'
import { requireUser } from '#app/session.ts'

export default async function UserLayout({ children }: { children: ReactNode }) {
  return <AppShell user={await requireUser()}>{children}</AppShell>
}
