import type { LogLine } from '#contracts/dtma.ts'
import type { InstanceError } from '#contracts/instances.ts'
import type { RunExit } from '#dtma/drivers/driver.ts'

/** Lines that are looked at for a cause; a cause is printed at the end. */
const LAST_LINES = 40
const NAME = '["\'`]?([A-Z][A-Z0-9_]{2,63})["\'`]?'

/** How servers say that a variable is missing. Each wants a name in capitals next to words about variables or needing. */
const NEEDS_VARIABLE: readonly RegExp[] = [
  new RegExp(
    `${NAME}(?: (?:environment|env)(?:\\.| )?(?:variable|var))?(?: \\([^)]*\\))? (?:is|are|was|must be|needs to be|has to be)(?: not)? (?:required|missing|set|defined|undefined|provided|configured|specified|empty)`,
  ),
  new RegExp(`(?:environment|env) (?:variable|var)s?:? ${NAME}`, 'i'),
  new RegExp(
    `(?:missing|required|set|provide|specify|define|need|requires?)(?: the| a| an| your| required| following)* (?:environment |env )?(?:variables?:? |vars?:? )?${NAME}(?: (?:environment|env) (?:variable|var)|$|[.,;:)\\s])`,
    'i',
  ),
  new RegExp(`(?:undefined|missing|no|not set|invalid)\\b.{0,40}process\\.env\\.${NAME}`, 'i'),
]

/** Words in capitals that are no variable's name. */
const NO_VARIABLES = new Set([
  'ERROR',
  'FATAL',
  'WARN',
  'WARNING',
  'INFO',
  'API',
  'URL',
  'MCP',
  'JSON',
  'HTTP',
  'HTTPS',
  'STDIO',
  'SSE',
  'THE',
  'ENOENT',
  'EACCES',
  'NODE',
])

/**
 * Why a run ended, as far as its exit and last lines tell. `env` are the variables it had: one that was set cannot be missing.
 */
export function diagnoseExit(exit: RunExit, lines: LogLine[], env: Record<string, string>): InstanceError {
  if (exit.error !== null) return exit.error
  const last = lines.filter((line) => line.stream !== 'agent').slice(-LAST_LINES)
  const how =
    exit.signal === null
      ? `The process ended with code ${exit.exitCode}.`
      : `${exit.signal} ended the process.`
  const detail = [how, ...last.slice(-10).map((line) => line.text)].join('\n').slice(0, 4000)
  if (last.some((line) => /JavaScript heap out of memory|Allocation failed - /.test(line.text))) {
    return { code: 'SERVER_OUT_OF_MEMORY', detail }
  }
  const variable = missingVariable(
    last.map((line) => line.text),
    env,
  )
  return variable === null
    ? { code: 'SERVER_EXITED', detail }
    : { code: 'SERVER_NEEDS_VARIABLE', detail, variable }
}

export function missingVariable(texts: string[], env: Record<string, string>): string | null {
  for (const text of texts.toReversed()) {
    for (const pattern of NEEDS_VARIABLE) {
      const name = pattern.exec(text)?.[1]
      // Case was ignored for the words around; the name itself has to be in capitals.
      if (name === undefined || name !== name.toUpperCase() || NO_VARIABLES.has(name)) continue
      if (env[name] === undefined || env[name] === '') return name
    }
  }
  return null
}
