import type { z } from 'zod'
import type { CreateCatalogEntry } from '#contracts/catalog.ts'

/** They need a browser on the toolbox by the time a tool is called, not to start. */
export const BROWSER_ENTRIES: z.input<typeof CreateCatalogEntry>[] = [
  {
    slug: 'playwright',
    title: 'Playwright',
    description:
      'Drives a browser by what its pages say rather than by pictures. Needs a browser on the toolbox.',
    categories: ['Browser', 'Testing'],
    docsUrl: 'https://github.com/microsoft/playwright-mcp',
    publisher: 'Microsoft',
    release: {
      version: '0.0.83',
      source: {
        type: 'npm',
        package: '@playwright/mcp',
        version: '0.0.83',
        args: ['--headless', '--isolated'],
      },
      transport: 'stdio',
      limits: { memoryMb: 1024, pids: 512 },
      arguments: [
        {
          key: 'browser',
          title: 'Browser',
          flag: '--browser',
          choices: ['chrome', 'firefox', 'webkit', 'msedge'],
        },
        {
          key: 'executable',
          title: 'Path of the browser',
          description: 'Where the toolbox has it, when it is not found by itself.',
          flag: '--executable-path',
        },
      ],
    },
  },
  {
    slug: 'chrome-devtools',
    title: 'Chrome DevTools',
    description: 'Inspects, debugs and measures pages in Chrome. Needs Chrome on the toolbox.',
    categories: ['Browser', 'Development'],
    docsUrl: 'https://github.com/ChromeDevTools/chrome-devtools-mcp',
    publisher: 'Google',
    release: {
      version: '1.11.0',
      source: {
        type: 'npm',
        package: 'chrome-devtools-mcp',
        version: '1.11.0',
        bin: 'chrome-devtools-mcp',
        args: ['--headless', '--isolated'],
      },
      transport: 'stdio',
      limits: { memoryMb: 1024, pids: 512 },
      arguments: [
        {
          key: 'executable',
          title: 'Path of Chrome',
          description: 'Where the toolbox has it, when it is not found by itself.',
          flag: '--executablePath',
        },
      ],
    },
  },
]
