import type { NextConfig } from 'next'

/** Packages that must be loaded by Node itself: native parts, their own worker files, or one shared copy a process. */
const serverExternalPackages = [
  '@node-rs/argon2',
  '@peculiar/x509',
  '@prisma/adapter-pg',
  '@prisma/client',
  'bullmq',
  'ioredis',
  'pg',
  'pino',
  'rate-limiter-flexible',
  'reflect-metadata',
  'undici',
]

/** Answers of every path; the Content-Security-Policy carries a nonce for each page and is set in proxy.ts. */
const securityHeaders = [
  { key: 'X-Content-Type-Options', value: 'nosniff' },
  { key: 'X-Frame-Options', value: 'DENY' },
  { key: 'Referrer-Policy', value: 'same-origin' },
  { key: 'Cross-Origin-Opener-Policy', value: 'same-origin' },
  { key: 'Permissions-Policy', value: 'camera=(), geolocation=(), microphone=(), payment=(), usb=()' },
]

const config: NextConfig = {
  poweredByHeader: false,
  reactStrictMode: true,
  devIndicators: false,
  serverExternalPackages,
  // `npm run typecheck` checks the whole repository once, with the settings every process shares.
  typescript: { ignoreBuildErrors: true },
  headers: async () => [{ source: '/:path*', headers: securityHeaders }],
}

export default config
