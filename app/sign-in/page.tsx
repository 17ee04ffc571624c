import type { Metadata } from 'next'
import { redirect } from 'next/navigation'
import { safePath } from '#app/components/auth/safe-path.ts'
import { SignInForm } from '#app/components/auth/sign-in-form.tsx'
import { Logo } from '#app/components/shell/logo.tsx'
import { currentUser } from '#app/session.ts'

export const metadata: Metadata = { title: 'Sign in' }

interface SignInPageProps {
  searchParams: Promise<Record<string, string | string[] | undefined>>
}

export default async function SignInPage({ searchParams }: SignInPageProps) {
  const { callbackUrl, changed, ended, error } = await searchParams
  const next = safePath(callbackUrl)
  if (!ended && !changed && (await currentUser())) redirect(next)
  return (
    <main className="grid min-h-dvh lg:grid-cols-[minmax(0,5fr)_minmax(0,6fr)]">
      <div className="relative hidden flex-col justify-between overflow-hidden bg-hull p-12 text-on-hull lg:flex">
        <div className="flex items-center gap-3">
          <Logo className="size-9" />
          <span className="text-xl font-semibold tracking-tight">Toolberth</span>
        </div>
        <div className="relative z-10 max-w-md">
          <p className="text-3xl leading-tight font-semibold tracking-tight text-balance">
            Every MCP server has its berth. Every agent finds its tools.
          </p>
          <p className="mt-4 text-on-hull-muted">
            Deploy MCP servers, connect agents after a handshake that was really tested, and call every tool
            through one URL.
          </p>
        </div>
        <svg
          aria-hidden="true"
          viewBox="0 0 600 320"
          className="pointer-events-none absolute -right-10 -bottom-6 w-[110%] text-hull-raised"
          fill="none"
          stroke="currentColor"
          strokeWidth="26"
          strokeLinecap="round"
        >
          <path d="M60 20v140a70 70 0 0 0 140 0V20M250 60v140a70 70 0 0 0 140 0V60M440 100v140a70 70 0 0 0 140 0V100" />
        </svg>
        <p className="relative z-10 text-sm text-on-hull-muted">
          A self-hosted control plane for MCP servers
        </p>
      </div>
      <div className="grid content-center px-5 py-10 sm:px-10">
        <div className="mx-auto w-full max-w-sm">
          <div className="mb-8 flex items-center gap-2.5 lg:hidden">
            <span className="grid size-10 place-items-center rounded-xl bg-hull text-on-hull">
              <Logo className="size-6" />
            </span>
            <span className="text-lg font-semibold tracking-tight">Toolberth</span>
          </div>
          <h1 className="text-2xl font-semibold tracking-tight">Sign in</h1>
          <p className="mt-1 mb-7 text-sm text-muted">Use the account that your admin gave you.</p>
          <SignInForm
            next={next}
            notice={changed ? 'changed' : ended ? 'ended' : null}
            misconfigured={error === 'Configuration'}
          />
        </div>
      </div>
    </main>
  )
}
