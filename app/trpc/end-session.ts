import { signOut } from 'next-auth/react'

let ending = false

/** Clears a session that the server no longer accepts and leads back here after the next sign-in. Runs once a page. */
export async function endSession(): Promise<void> {
  if (ending) return
  ending = true
  const here = window.location.pathname + window.location.search
  await signOut({ redirect: false }).catch(() => undefined)
  window.location.assign(`/sign-in?ended=1&callbackUrl=${encodeURIComponent(here)}`)
}
