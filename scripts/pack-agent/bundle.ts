import { join } from 'node:path'
import { type Plugin, rolldown } from 'rolldown'

/** Docker over SSH and BuildKit sessions: dockerode can, the agent never does, and native parts hang on them. */
const LEFT_OUT = /^(ssh2|cpu-features|@grpc\/grpc-js|@grpc\/proto-loader)$/

const leaveOut: Plugin = {
  name: 'leave-out',
  resolveId: (specifier) => (LEFT_OUT.test(specifier) ? { id: `\0left-out:${specifier}` } : null),
  load: (id) => (id.startsWith('\0left-out:') ? 'export default {}' : null),
}

/** Bundles the agent and its launcher, packages included, into JavaScript that needs Node alone. File names and their text. */
export async function bundleAgent(root: string): Promise<{ name: string; code: string }[]> {
  const bundle = await rolldown({
    input: { dtma: join(root, 'dtma/index.ts'), launcher: join(root, 'dtma/launcher.ts') },
    cwd: root,
    plugins: [leaveOut],
    platform: 'node',
    logLevel: 'silent',
  })
  try {
    const { output } = await bundle.generate({
      format: 'esm',
      entryFileNames: '[name].mjs',
      chunkFileNames: '[name]-[hash].mjs',
      minify: { mangle: false, compress: false, codegen: true },
      // Names of classes are part of error handling.
      keepNames: true,
      comments: false,
    })
    return output.flatMap((part) => (part.type === 'chunk' ? [{ name: part.fileName, code: part.code }] : []))
  } finally {
    await bundle.close()
  }
}
