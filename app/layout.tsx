import type { Metadata, Viewport } from 'next'
import { headers } from 'next/headers'
import { ThemeProvider } from 'next-themes'
import type { ReactNode } from 'react'
import { Toasts } from '#app/components/ui/toasts.tsx'
import '#app/globals.css'

export const metadata: Metadata = {
  title: { default: 'Toolberth', template: '%s · Toolberth' },
  description: 'A self-hosted control plane for MCP servers.',
  icons: { icon: '/icon.svg' },
  robots: { index: false, follow: false },
}

export const viewport: Viewport = {
  width: 'device-width',
  initialScale: 1,
  themeColor: '#103a48',
}

/** The nonce that proxy.ts put into this request's policy, for the one inline script that sets the theme. */
async function nonceOfRequest(): Promise<string | undefined> {
  const policy = (await headers()).get('content-security-policy')
  return policy?.match(/'nonce-([^']+)'/)?.[1]
}

export default async function RootLayout({ children }: { children: ReactNode }) {
  const nonce = await nonceOfRequest()
  return (
    <html lang="en" suppressHydrationWarning>
      <body>
        <ThemeProvider
          attribute="class"
          defaultTheme="system"
          disableTransitionOnChange
          {...(nonce ? { nonce } : {})}
        >
          {children}
          <Toasts />
        </ThemeProvider>
      </body>
    </html>
  )
}
