import type { Source } from '#contracts/sources.ts'

/** One line that says where a server comes from: "@scope/package@1.2.3". */
export function sourceText(source: Source): string {
  switch (source.type) {
    case 'npm':
      return source.version ? `${source.package}@${source.version}` : source.package
    case 'image':
      return source.image
    case 'remote':
      return source.url
    case 'catalog':
      return source.slug
  }
}

export const TRANSPORT_LABELS = {
  stdio: 'stdio',
  'streamable-http': 'Streamable HTTP',
  sse: 'SSE',
} as const

export const SHARING_LABELS = {
  shared: 'One process for all sessions',
  isolated: 'One process for each session',
} as const
