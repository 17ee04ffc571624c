import type { z } from 'zod'
import type { CreateCatalogEntry } from '#contracts/catalog.ts'

const stdio = 'stdio' as const

/** Servers of services that one has an account with, and databases. */
export const SERVICE_ENTRIES: z.input<typeof CreateCatalogEntry>[] = [
  {
    slug: 'notion',
    title: 'Notion',
    description: 'Searches, reads and writes pages, databases and comments of a Notion workspace.',
    categories: ['Productivity'],
    docsUrl: 'https://github.com/makenotion/notion-mcp-server',
    publisher: 'Notion',
    release: {
      version: '2.5.2',
      source: { type: 'npm', package: '@notionhq/notion-mcp-server', version: '2.5.2' },
      transport: stdio,
      limits: { memoryMb: 384 },
      variables: [
        {
          name: 'NOTION_TOKEN',
          title: 'Integration token',
          description: 'Of an internal integration, made at notion.so/profile/integrations.',
          required: true,
          secret: true,
          placeholder: 'ntn_…',
        },
      ],
    },
  },
  {
    slug: 'airtable',
    title: 'Airtable',
    description: 'Reads and writes records of Airtable bases, and inspects their tables.',
    categories: ['Productivity', 'Data'],
    docsUrl: 'https://github.com/domdomegg/airtable-mcp-server',
    publisher: 'Adam Jones',
    release: {
      version: '1.14.0',
      source: { type: 'npm', package: 'airtable-mcp-server', version: '1.14.0' },
      transport: stdio,
      limits: { memoryMb: 256 },
      variables: [
        {
          name: 'AIRTABLE_API_KEY',
          title: 'Personal access token',
          description:
            'Made at airtable.com/create/tokens, with the scopes schema.bases:read and data.records:read.',
          required: true,
          secret: true,
          placeholder: 'pat…',
        },
      ],
    },
  },
  {
    slug: 'figma',
    title: 'Figma Context',
    description: 'Gives a model the layout and styling of Figma files, simplified for writing code.',
    categories: ['Design', 'Development'],
    docsUrl: 'https://www.framelink.ai/docs/quickstart',
    publisher: 'Framelink',
    release: {
      version: '0.13.2',
      source: { type: 'npm', package: 'figma-developer-mcp', version: '0.13.2', args: ['--stdio'] },
      transport: stdio,
      limits: { memoryMb: 384 },
      variables: [
        {
          name: 'FIGMA_API_KEY',
          title: 'Personal access token',
          description: 'Made in the settings of your Figma account.',
          required: true,
          secret: true,
          placeholder: 'figd_…',
        },
      ],
    },
  },
  {
    slug: 'sentry',
    title: 'Sentry',
    description: 'Looks into issues, errors and performance that Sentry recorded.',
    categories: ['Monitoring', 'Development'],
    docsUrl: 'https://docs.sentry.io/product/sentry-mcp/',
    publisher: 'Sentry',
    release: {
      version: '0.39.0',
      source: { type: 'npm', package: '@sentry/mcp-server', version: '0.39.0' },
      transport: stdio,
      variables: [
        {
          name: 'SENTRY_ACCESS_TOKEN',
          title: 'User auth token',
          description: 'Made in the settings of your Sentry account.',
          required: true,
          secret: true,
        },
      ],
      arguments: [
        {
          key: 'host',
          title: 'Host of your own Sentry',
          description: 'Left out: sentry.io.',
          flag: '--host',
        },
      ],
    },
  },
  {
    slug: 'mongodb',
    title: 'MongoDB',
    description: 'Queries and inspects MongoDB databases and Atlas clusters, without writing.',
    categories: ['Database'],
    docsUrl: 'https://www.mongodb.com/docs/mcp-server/',
    publisher: 'MongoDB',
    release: {
      version: '3.0.4',
      source: { type: 'npm', package: 'mongodb-mcp-server', version: '3.0.4' },
      transport: stdio,
      variables: [
        {
          name: 'MDB_MCP_CONNECTION_STRING',
          title: 'Connection string',
          description: 'Left out: the model is asked which database to connect to.',
          secret: true,
          placeholder: 'mongodb://user:password@host:27017/database',
        },
        {
          name: 'MDB_MCP_READ_ONLY',
          title: 'Read only',
          default: 'true',
          choices: ['true', 'false'],
        },
        {
          name: 'MDB_MCP_TELEMETRY',
          title: 'Telemetry',
          default: 'disabled',
          choices: ['disabled', 'enabled'],
        },
      ],
    },
  },
]
