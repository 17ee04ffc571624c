import { z } from 'zod'

const Root = z.object({
  name: z.string(),
  version: z.string(),
  license: z.string(),
  dependencies: z.record(z.string(), z.string()),
})

/** tRPC's packages name each other by exact version, so a range would only promise what cannot be installed. */
const EXACT = /^@trpc\//
/** The oldest that runs it: eventsource 5 needs 22.12. */
const NODE = '>=22.12.0'

/** The package.json of the packed client: the root's name and version, and of its dependencies those in `packages`. */
export function manifestOf(rootManifest: unknown, packages: readonly string[]): Record<string, unknown> {
  const { name, version, license, dependencies } = Root.parse(rootManifest)
  const wanted = [...new Set(packages.map(packageOf))].sort()
  return {
    name,
    version,
    description: 'The typed client of Toolberth, a self-hosted control plane for MCP servers.',
    license,
    type: 'module',
    sideEffects: false,
    engines: { node: NODE },
    exports: {
      './client': { types: './client/index.d.ts', default: './client/index.js' },
      './package.json': './package.json',
    },
    bin: { toolberth: './client/cli.js' },
    files: ['client'],
    dependencies: Object.fromEntries(
      wanted.map((wantedName) => {
        const range = dependencies[wantedName]
        if (range === undefined) throw new Error(`${wantedName} is imported and no dependency.`)
        return [wantedName, EXACT.test(wantedName) ? range : `^${range}`]
      }),
    ),
  }
}

/** "@trpc/server/observable" is of the package "@trpc/server". */
function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}
