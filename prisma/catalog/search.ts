import type { z } from 'zod'
import type { CreateCatalogEntry } from '#contracts/catalog.ts'

const stdio = 'stdio' as const

/** Search, documentation and reading of the web. */
export const SEARCH_ENTRIES: z.input<typeof CreateCatalogEntry>[] = [
  {
    slug: 'context7',
    title: 'Context7',
    description: 'Fetches the documentation of libraries, for the version that is asked about.',
    categories: ['Documentation', 'Development'],
    docsUrl: 'https://github.com/upstash/context7',
    publisher: 'Upstash',
    release: {
      version: '4.1.1',
      source: { type: 'npm', package: '@upstash/context7-mcp', version: '4.1.1' },
      transport: stdio,
      limits: { memoryMb: 384 },
      variables: [
        {
          name: 'CONTEXT7_API_KEY',
          title: 'API key',
          description: 'For higher limits; made at context7.com/dashboard.',
          secret: true,
          placeholder: 'ctx7sk-…',
        },
      ],
    },
  },
  {
    slug: 'brave-search',
    title: 'Brave Search',
    description: 'Searches the web, news, pictures, videos and places with Brave.',
    categories: ['Search'],
    docsUrl: 'https://github.com/brave/brave-search-mcp-server',
    publisher: 'Brave',
    release: {
      version: '2.1.4',
      source: { type: 'npm', package: '@brave/brave-search-mcp-server', version: '2.1.4' },
      transport: stdio,
      limits: { memoryMb: 256 },
      variables: [
        {
          name: 'BRAVE_API_KEY',
          title: 'API key',
          description: 'Made at api-dashboard.search.brave.com.',
          required: true,
          secret: true,
        },
      ],
    },
  },
  {
    slug: 'tavily',
    title: 'Tavily',
    description: 'Searches the web for models, and extracts, crawls and maps sites.',
    categories: ['Search'],
    docsUrl: 'https://docs.tavily.com/documentation/mcp',
    publisher: 'Tavily',
    release: {
      version: '0.2.22',
      source: { type: 'npm', package: 'tavily-mcp', version: '0.2.22' },
      transport: stdio,
      limits: { memoryMb: 256 },
      variables: [
        {
          name: 'TAVILY_API_KEY',
          title: 'API key',
          description: 'Made at app.tavily.com.',
          required: true,
          secret: true,
          placeholder: 'tvly-…',
        },
      ],
    },
  },
  {
    slug: 'exa',
    title: 'Exa',
    description: 'Searches the web by meaning and reads the pages it found.',
    categories: ['Search'],
    docsUrl: 'https://docs.exa.ai/reference/exa-mcp',
    publisher: 'Exa Labs',
    release: {
      version: '3.4.1',
      source: { type: 'npm', package: 'exa-mcp-server', version: '3.4.1' },
      transport: stdio,
      limits: { memoryMb: 384 },
      variables: [
        {
          name: 'EXA_API_KEY',
          title: 'API key',
          description: 'Made at dashboard.exa.ai.',
          required: true,
          secret: true,
        },
      ],
    },
  },
  {
    slug: 'firecrawl',
    title: 'Firecrawl',
    description: 'Scrapes, crawls and searches the web, and answers with clean text or structured data.',
    categories: ['Search', 'Web'],
    docsUrl: 'https://docs.firecrawl.dev/mcp-server',
    publisher: 'Firecrawl',
    release: {
      version: '3.26.0',
      source: { type: 'npm', package: 'firecrawl-mcp', version: '3.26.0' },
      transport: stdio,
      variables: [
        {
          name: 'FIRECRAWL_API_KEY',
          title: 'API key',
          description: 'Made at firecrawl.dev/app/api-keys.',
          required: true,
          secret: true,
          placeholder: 'fc-…',
        },
        {
          name: 'FIRECRAWL_API_URL',
          title: 'Address of your own Firecrawl',
          description: 'Left out: the one that Firecrawl runs.',
          placeholder: 'https://firecrawl.example.com',
        },
      ],
    },
  },
]
