import { redirect } from 'next/navigation'
import { requireUser } from '#app/session.ts'

/** Leads to where one's work is. */
export default async function HomePage() {
  const user = await requireUser()
  redirect(user.role === 'ADMIN' ? '/admin' : '/agents')
}
