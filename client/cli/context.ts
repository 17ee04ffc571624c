import { createToolberthClient, type ToolberthClient } from '#client/create-client.ts'
import { UsageError } from './errors.ts'

/** What a command works with. */
export type CliContext = {
  toolberth: ToolberthClient
  url: string
  /** Answers, on standard output: a JSON document with `--json`, else the text. */
  answer: (document: unknown, text: string) => void
  /** What goes on meanwhile, on standard error; nothing with `--json`. */
  note: (line: string) => void
}

export type GlobalOptions = { url?: string; json?: boolean }

const DEFAULT_URL = 'http://localhost:3000'

/** Throws UsageError when address or key are missing or cannot be one. */
export function createContext(options: GlobalOptions, env: NodeJS.ProcessEnv): CliContext {
  const url = options.url ?? env.TOOLBERTH_URL ?? DEFAULT_URL
  try {
    const toolberth = createToolberthClient({ url, apiKey: env.TOOLBERTH_API_KEY })
    return {
      toolberth,
      url,
      answer: (document, text) => console.log(options.json ? JSON.stringify(document, null, 2) : text),
      note: (line) => (options.json ? undefined : console.error(line)),
    }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new UsageError(
      `${error.message} Set TOOLBERTH_API_KEY and, unless it is ${DEFAULT_URL}, TOOLBERTH_URL.`,
    )
  }
}

/** What was asked for was done and answered, and what it found is a failure: ends with exit code 1. */
export function endAsFailed(): void {
  process.exitCode = 1
}

/** Makes a commander action of work that needs a context; options of the program stand before or after the command. */
export type Action = <A extends unknown[]>(
  work: (context: CliContext, ...args: A) => Promise<void>,
) => (...args: A) => Promise<void>
