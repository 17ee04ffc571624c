import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { type Plugin, rolldown } from 'rolldown'
import { dts } from 'rolldown-plugin-dts'

/** Every package stays a dependency; what is ours (relative, or "#folder/…") is put in. */
const PACKAGES = /^[^.#/]/

/** Bundles the client's code into `out/index.js` and its command line into `out/cli.js`. Answers the packages that they import. */
export async function bundleCode(root: string, out: string): Promise<string[]> {
  return bundle({
    input: { index: join(root, 'client/index.ts'), cli: join(root, 'client/cli.ts') },
    out,
    cwd: root,
    plugins: [],
  })
}

/** Bundles the declarations made by `emitDeclarations` into `out/index.d.ts`. Answers the packages that they import. */
export async function bundleDeclarations(declarations: string, out: string): Promise<string[]> {
  const imports: Plugin = {
    name: 'package-imports-of-declarations',
    resolveId(specifier) {
      const [, path] = /^#(.+)\.ts$/.exec(specifier) ?? []
      return path ? join(declarations, `${path}.d.ts`) : null
    },
  }
  // The generator is not used for input that is declarations already; oxc's needs no compiler set up.
  const plugin = dts({ dtsInput: true, emitDtsOnly: true, tsconfig: false, generator: 'oxc' })
  const input = { index: join(declarations, 'client/index.d.ts') }
  return bundle({ input, out, cwd: declarations, plugins: [imports, plugin] })
}

async function bundle(options: {
  input: Record<string, string>
  out: string
  cwd: string
  plugins: unknown[]
}): Promise<string[]> {
  const { input, out, cwd, plugins } = options
  const bundle = await rolldown({
    input,
    cwd,
    plugins: plugins as Plugin[],
    external: [PACKAGES],
    platform: 'node',
    // None of ours does anything by being imported, so what the client does not use is left out.
    treeshake: { moduleSideEffects: false },
    onLog(level, log) {
      if (level === 'warn') throw new Error(log.message)
    },
  })
  try {
    const { output } = await bundle.write({
      dir: out,
      format: 'esm',
      entryFileNames: '[name].js',
      chunkFileNames: 'shared.js',
    })
    const ours = new Set(output.map(({ fileName }) => fileName))
    const imports = output.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.imports : []))
    // The command line runs on Node, which brings its own.
    return imports.filter((name) => !ours.has(name) && !isBuiltin(name))
  } finally {
    await bundle.close()
  }
}
