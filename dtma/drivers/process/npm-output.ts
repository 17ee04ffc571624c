import { z } from 'zod'
import type { InstanceErrorCode } from '#contracts/instances.ts'

/** npm's own steps as phases, from its log at level `silly`. Null for lines that tell nothing new. */
export function createPhaseReader(): (line: string) => string | null {
  let packages = 0
  let phase = ''
  return (line) => {
    let next = phase
    if (line.includes('silly idealTree buildDeps')) next = 'Resolving package'
    else if (line.includes('silly placeDep')) packages++
    else if (/silly (reify|tarball|ADD)\b/.test(line)) {
      next = packages > 1 ? `Installing packages (${packages})` : 'Installing packages'
    }
    if (next === phase) return null
    phase = next
    return phase
  }
}

const JsonError = z.object({
  error: z.object({
    code: z.string().nullish(),
    summary: z.string().nullish(),
    detail: z.string().nullish(),
  }),
})

const DISK_FULL = ['ENOSPC', 'EDQUOT']

/**
 * What a failed `npm install --json` means. Only a missing package of the wanted name is PACKAGE_NOT_FOUND; a missing dependency
 * is a failed installation. `stderr` serves where npm died before it could write its JSON.
 */
export function explainNpmFailure(input: {
  packageName: string
  exitCode: number | null
  stdout: string
  stderr: string
}): { code: InstanceErrorCode; detail: string } {
  const parsed = JsonError.safeParse(lastJson(input.stdout))
  const npm = parsed.success ? parsed.data.error : null
  const npmCode = npm?.code ?? /npm (?:error|ERR!) code (\S+)/.exec(input.stderr)?.[1] ?? null
  const text = [npm?.summary, npm?.detail].filter((part) => part).join(' ')
  const detail = (text || errorLines(input.stderr) || `npm ended with code ${input.exitCode}.`)
    .replace(/\s+/g, ' ')
    .slice(0, 2000)
  const escaped = input.packageName.replace(/[.~-]/g, '\\$&')
  const wanted = new RegExp(`(^|[\\s'"])${escaped}@`).test(text)
  if (npmCode === 'E404' && wanted) return { code: 'PACKAGE_NOT_FOUND', detail }
  if (npmCode === 'ETARGET' && wanted) return { code: 'PACKAGE_VERSION_NOT_FOUND', detail }
  if (npmCode !== null && DISK_FULL.includes(npmCode)) return { code: 'TOOLBOX_DISK_FULL', detail }
  return { code: 'PACKAGE_INSTALL_FAILED', detail: npmCode === null ? detail : `${npmCode}: ${detail}` }
}

function lastJson(text: string): unknown {
  const start = text.indexOf('{')
  if (start === -1) return null
  try {
    return JSON.parse(text.slice(start))
  } catch {
    return null
  }
}

function errorLines(stderr: string): string {
  return stderr
    .split('\n')
    .filter((line) => /^npm (error|ERR!)/.test(line))
    .map((line) => line.replace(/^npm (error|ERR!)\s*/, ''))
    .filter((line) => !line.startsWith('A complete log'))
    .join(' ')
}
