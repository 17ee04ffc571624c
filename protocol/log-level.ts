import { stripVTControlCharacters } from 'node:util'
import type { LogLevel, LogLine } from '#contracts/dtma.ts'

const WORDS: Readonly<Record<LogLevel, string>> = {
  debug: 'trace|debug|dbg|verbose|silly|fine|finer|finest',
  info: 'info|inf|information|notice|success|http',
  warn: 'warn|warning|wrn',
  error: 'error|err|fatal|critical|crit|alert|emergency|emerg|panic|severe|exception',
}
const LEVEL_OF_WORD = new Map(
  (Object.entries(WORDS) as [LogLevel, string][]).flatMap(([level, words]) =>
    words.split('|').map((word) => [word, level] as const),
  ),
)
const ANY = Object.values(WORDS).join('|')

/** Keys under which structured logs say their level: pino, bunyan, winston, Python's, Google's, ECS. */
const KEYS = ['level', 'severity', 'lvl', 'levelname', 'log.level']
/** A level stands near the beginning; bounded, so that no line takes long. */
const LOOKED_AT = 240
/** What may stand before the level: times, process ids, names in brackets. */
const BEFORE = /^(?:\[?\d[\dT:.,/+Z-]*\]?[\s|:-]+|\[[^\]]{1,60}\]\s*|npm\s+)/
const MOST_BEFORE = 5

/** Anywhere near the beginning. */
const ANYWHERE: readonly RegExp[] = [
  // level=error, severity: "warn" (logfmt and its like)
  new RegExp(String.raw`(?:^|[\s,{])(?:level|severity|lvl|levelname)["']?\s?[=:]\s?["']?(${ANY})\b`, 'i'),
  // [ERROR], <warn>, (info)
  new RegExp(String.raw`[[(<]\s?(${ANY})\s?[\])>]`, 'i'),
  // 2026-01-01 12:00:00,123 - name - ERROR - text
  new RegExp(String.raw`\s[-|]\s?(${ANY.toUpperCase()})\s?[-|]\s`),
]
/** At the beginning, or after what may stand before it. */
const FIRST: readonly RegExp[] = [
  // ERROR:root:text, error: text
  new RegExp(String.raw`^(${ANY})(?:[:|\]]|\s+-|!)`, 'i'),
  // 12:00:00 WARN text
  new RegExp(String.raw`^(${ANY.toUpperCase()})\s`),
]
/** The same in lower case counts as a level only after something that is no sentence: a time, or npm. */
const AFTER = new RegExp(String.raw`^(${ANY})\s`)
/** Exceptions as Node, Python and Go print them. */
const EXCEPTION =
  /^(?:(?:Uncaught )?[A-Z]\w*(?:Error|Exception)\b|Traceback \(most recent call last\)|panic: )/
/** Go's and Google's own: one letter, month and day. */
const GLOG = /^([DIWEF])\d{4} \d{2}:/
const GLOG_LEVELS: Readonly<Record<string, LogLevel>> = {
  D: 'debug',
  I: 'info',
  W: 'warn',
  E: 'error',
  F: 'error',
}
/** The rest of a message that takes several lines. */
const CONTINUED = /^(?:\s+\S|[)}\]]+[,;]?$)/

/** The level that a line says it has, or null. */
export function levelOf(text: string): LogLevel | null {
  const line = stripVTControlCharacters(text).trimStart()
  if (line.startsWith('{')) {
    const level = levelOfJson(line)
    if (level !== null) return level
  }
  const head = line.slice(0, LOOKED_AT)
  const rest = withoutPrefixes(head)
  const word =
    firstWord(ANYWHERE, head) ?? firstWord(FIRST, rest) ?? (rest === head ? null : firstWord([AFTER], rest))
  if (word !== null) return LEVEL_OF_WORD.get(word.toLowerCase()) ?? null
  const letter = GLOG.exec(head)?.[1]
  if (letter !== undefined) return GLOG_LEVELS[letter] ?? null
  return EXCEPTION.test(head) ? 'error' : null
}

/** Gives each line of one log its level, in order: lines that go on with a message have the level of its first line. */
export function createLevelReader(): (line: Pick<LogLine, 'stream' | 'text'>) => LogLevel | null {
  const last = new Map<LogLine['stream'], LogLevel | null>()
  return ({ stream, text }) => {
    const own = stream === 'agent' ? null : levelOf(text)
    const level = own === null && CONTINUED.test(text) ? (last.get(stream) ?? null) : own
    last.set(stream, level)
    return level
  }
}

function withoutPrefixes(text: string): string {
  let rest = text
  for (let count = 0; count < MOST_BEFORE; count++) {
    const next = rest.replace(BEFORE, '')
    if (next === rest) break
    rest = next
  }
  return rest
}

function firstWord(forms: readonly RegExp[], text: string): string | null {
  for (const form of forms) {
    const word = form.exec(text)?.[1]
    if (word !== undefined) return word
  }
  return null
}

function levelOfJson(line: string): LogLevel | null {
  let entry: unknown
  try {
    entry = JSON.parse(line)
  } catch {
    return null
  }
  if (!isRecord(entry)) return null
  // MCP's own notification, by a server that writes it where nobody reads it as such.
  const source = entry.method === 'notifications/message' && isRecord(entry.params) ? entry.params : entry
  for (const key of KEYS) {
    const level = levelOfValue(source[key])
    if (level !== null) return level
  }
  return null
}

/** A word, or pino's and bunyan's number (10 trace … 60 fatal). */
function levelOfValue(value: unknown): LogLevel | null {
  if (typeof value === 'string') return LEVEL_OF_WORD.get(value.toLowerCase()) ?? null
  if (typeof value !== 'number' || value < 10) return null
  return value < 30 ? 'debug' : value < 40 ? 'info' : value < 50 ? 'warn' : 'error'
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
