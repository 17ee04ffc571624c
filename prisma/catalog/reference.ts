import type { z } from 'zod'
import type { CreateCatalogEntry } from '#contracts/catalog.ts'

const publisher = 'Model Context Protocol'
const docs = (folder: string) => `https://github.com/modelcontextprotocol/servers/tree/main/src/${folder}`

/** The protocol's own reference servers, and others that need no account. */
export const REFERENCE_ENTRIES: z.input<typeof CreateCatalogEntry>[] = [
  {
    slug: 'everything',
    title: 'Everything',
    description:
      'A test server that uses every part of the protocol: tools, prompts, resources, progress and logging.',
    categories: ['Testing'],
    docsUrl: docs('everything'),
    publisher,
    release: {
      version: '2026.8.31',
      source: { type: 'npm', package: '@modelcontextprotocol/server-everything', version: '2026.8.31' },
      transport: 'stdio',
      limits: { memoryMb: 256 },
    },
  },
  {
    slug: 'filesystem',
    title: 'Filesystem',
    description:
      'Reads, writes, searches and moves files, within the folders that it is given and nowhere else.',
    categories: ['Files'],
    docsUrl: docs('filesystem'),
    publisher,
    release: {
      version: '2026.8.31',
      source: { type: 'npm', package: '@modelcontextprotocol/server-filesystem', version: '2026.8.31' },
      transport: 'stdio',
      limits: { memoryMb: 256 },
      arguments: [
        {
          key: 'folders',
          title: 'Folders',
          description: 'Folders that it may use. The dot is the folder of the server itself.',
          required: true,
          default: '.',
          repeated: true,
        },
      ],
    },
  },
  {
    slug: 'memory',
    title: 'Memory',
    description:
      'Remembers facts between conversations, as a graph of entities and relations kept in a file.',
    categories: ['Memory'],
    docsUrl: docs('memory'),
    publisher,
    release: {
      version: '2026.8.31',
      source: { type: 'npm', package: '@modelcontextprotocol/server-memory', version: '2026.8.31' },
      transport: 'stdio',
      limits: { memoryMb: 256 },
      variables: [
        {
          name: 'MEMORY_FILE_PATH',
          title: 'File',
          description:
            'Where the graph is kept. Left out: beside the installed package, gone with the next version.',
          placeholder: '/data/memory.json',
        },
      ],
    },
  },
  {
    slug: 'sequential-thinking',
    title: 'Sequential Thinking',
    description: 'Lets a model take a problem apart in steps that it can revise and branch.',
    categories: ['Reasoning'],
    docsUrl: docs('sequentialthinking'),
    publisher,
    release: {
      version: '2026.8.31',
      source: {
        type: 'npm',
        package: '@modelcontextprotocol/server-sequential-thinking',
        version: '2026.8.31',
      },
      transport: 'stdio',
      limits: { memoryMb: 256 },
      variables: [
        {
          name: 'DISABLE_THOUGHT_LOGGING',
          title: 'Keep thoughts out of the log',
          default: 'true',
          choices: ['true', 'false'],
        },
      ],
    },
  },
  {
    slug: 'charts',
    title: 'AntV Charts',
    description: 'Draws charts, maps and diagrams of data and answers with their pictures.',
    categories: ['Data'],
    docsUrl: 'https://github.com/antvis/mcp-server-chart',
    publisher: 'AntV',
    release: {
      version: '0.9.10',
      source: { type: 'npm', package: '@antv/mcp-server-chart', version: '0.9.10' },
      transport: 'stdio',
      limits: { memoryMb: 256 },
      variables: [
        {
          name: 'VIS_REQUEST_SERVER',
          title: 'Rendering service',
          description:
            'Where pictures are made. Left out: the public service of AntV, which then sees the data.',
          placeholder: 'https://charts.example.com/api/gpt-vis',
        },
        {
          name: 'DISABLED_TOOLS',
          title: 'Tools to leave out',
          placeholder: 'generate_pie_chart,generate_area_chart',
        },
      ],
    },
  },
  {
    slug: 'eslint',
    title: 'ESLint',
    description: 'Checks JavaScript and TypeScript files with ESLint.',
    categories: ['Development'],
    docsUrl: 'https://eslint.org/docs/latest/use/mcp',
    publisher: 'ESLint',
    release: {
      version: '0.3.13',
      source: { type: 'npm', package: '@eslint/mcp', version: '0.3.13' },
      transport: 'stdio',
    },
  },
]
