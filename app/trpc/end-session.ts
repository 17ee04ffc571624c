import { signOut } from 'next-auth/react'

let leaving = false

/** Clears the session's cookie and shows `to`, by a whole page load: nothing of the session's data stays in memory. */
export async function leave(to: string): Promise<void> {
  if (leaving) return
  leaving = true
  await signOut({ redirect: false }).catch(() => undefined)
  window.location.assign(to)
}

/** Leaves a session that the server no longer accepts, and comes back here after the next sign-in. */
export async function endSession(): Promise<void> {
  const here = window.location.pathname + window.location.search
  await leave(`/sign-in?ended=1&callbackUrl=${encodeURIComponent(here)}`)
}
