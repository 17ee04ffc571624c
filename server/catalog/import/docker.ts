import { ImageReference } from '#contracts/names.ts'
import { Refusal } from './draft.ts'

export interface DockerCommand {
  image: string
  args: string[]
  /** Variables that the container gets: with a value, or with that of the configuration's variable of the same name. */
  env: Map<string, string | undefined>
  mounts: string[]
  memoryMb?: number
  cpus?: number
}

const FLAGS = new Set([
  '--rm',
  '--interactive',
  '--tty',
  '--init',
  '--detach',
  '--read-only',
  '--privileged',
  '--no-healthcheck',
  '--sig-proxy',
])
/** Their values decide what a container may do or where it is; the toolbox decides that itself. */
const IGNORED = new Set([
  '--name',
  '--network',
  '--net',
  '--user',
  '--workdir',
  '--publish',
  '--expose',
  '--label',
  '--pull',
  '--platform',
  '--hostname',
  '--add-host',
  '--dns',
  '--restart',
  '--log-driver',
  '--log-opt',
  '--cap-add',
  '--cap-drop',
  '--security-opt',
  '--device',
  '--gpus',
  '--shm-size',
  '--pids-limit',
  '--ulimit',
  '--tmpfs',
  '--ipc',
  '--pid',
  '--userns',
  '--runtime',
  '--stop-timeout',
  '--memory-swap',
])
const SHORT: Record<string, string> = {
  e: '--env',
  v: '--volume',
  p: '--publish',
  u: '--user',
  w: '--workdir',
  l: '--label',
  m: '--memory',
  h: '--hostname',
  i: '--interactive',
  t: '--tty',
  d: '--detach',
}

/** The image that `docker run` or `podman run` starts; null for another command. Throws Refusal. */
export function readDockerCommand(
  command: string,
  args: readonly string[],
  notes: string[],
): DockerCommand | null {
  if (!['docker', 'podman', 'nerdctl'].includes(command)) return null
  const rest = args[0] === 'container' ? args.slice(1) : args
  if (rest[0] !== 'run')
    throw new Refusal(`Only "${command} run" can be read, not "${command} ${rest[0] ?? ''}".`)
  const found: DockerCommand = { image: '', args: [], env: new Map(), mounts: [] }
  let at = 1
  for (; at < rest.length; at++) {
    const arg = rest[at] ?? ''
    if (arg === '--') {
      at++
      break
    }
    if (!arg.startsWith('-') || arg === '-') break
    const { option, value } = readOption(arg)
    if (FLAGS.has(option)) {
      if (option === '--privileged') notes.push('--privileged was left out: no server gets it.')
      continue
    }
    take(option, value ?? rest[++at] ?? '', found, notes)
  }
  const image = rest[at]
  if (image === undefined) throw new Refusal(`It names no image after ${command} run.`)
  if (!ImageReference.safeParse(image).success)
    throw new Refusal(`"${image.slice(0, 200)}" is no name of an image.`)
  return { ...found, image, args: rest.slice(at + 1) }
}

/** `--env=A`, `--env A`, `-eA`, `-e A`, `-it`. */
function readOption(arg: string): { option: string; value?: string } {
  if (arg.startsWith('--')) {
    const [option = '', value] = arg.split(/=(.*)/s)
    return value === undefined ? { option } : { option, value }
  }
  const letters = arg.slice(1)
  const options = letters.split('').map((letter) => SHORT[letter])
  if (options.every((option) => option !== undefined && FLAGS.has(option))) return { option: '--interactive' }
  // Flags and then one with a value, as in "-ie NAME".
  const at = options.findIndex((option) => option !== undefined && !FLAGS.has(option))
  const option = options[at]
  if (option === undefined) throw new Refusal(`The option ${arg.slice(0, 60)} of docker run is not known.`)
  const value = letters.slice(at + 1).replace(/^=/, '')
  return value === '' ? { option } : { option, value }
}

function take(option: string, value: string, found: DockerCommand, notes: string[]): void {
  switch (option) {
    case '--env': {
      const [name = '', given] = value.split(/=(.*)/s)
      found.env.set(name, given)
      return
    }
    case '--volume':
      return addMount(
        value.split(':')[value.startsWith('/') || value.includes(':') ? 1 : 0] ?? value,
        value,
        found,
        notes,
      )
    case '--mount': {
      const target = /(?:^|,)(?:target|dst|destination)=([^,]+)/.exec(value)?.[1]
      return addMount(target ?? '', value, found, notes)
    }
    case '--memory': {
      const memoryMb = megabytes(value)
      if (memoryMb !== null) found.memoryMb = Math.min(65_536, Math.max(64, memoryMb))
      return
    }
    case '--cpus': {
      const cpus = Number(value)
      if (cpus > 0) found.cpus = Math.min(64, Math.max(0.1, cpus))
      return
    }
    case '--env-file':
      throw new Refusal('It reads its variables from a file (--env-file), which is on that machine only.')
    case '--entrypoint':
      throw new Refusal('It replaces the entry point of the image (--entrypoint), which cannot be done here.')
    default:
      if (!IGNORED.has(option))
        throw new Refusal(`The option ${option.slice(0, 60)} of docker run is not known.`)
      if (option !== '--name' && option !== '--pull' && option !== '--label')
        notes.push(`${option} ${value} was left out: the toolbox decides that.`)
  }
}

function addMount(target: string, value: string, found: DockerCommand, notes: string[]): void {
  if (!target.startsWith('/')) throw new Refusal(`The folder of "${value.slice(0, 200)}" cannot be read.`)
  found.mounts.push(target.replace(/\/+$/, ''))
  notes.push(
    `${target} is kept as data of the server and starts empty: folders of the machine are not handed out.`,
  )
}

/** "512m", "1g", "1073741824". */
function megabytes(value: string): number | null {
  const [, number, unit = 'b'] = /^(\d+(?:\.\d+)?)([bkmg])?$/i.exec(value) ?? []
  if (number === undefined) return null
  const factor = { b: 1 / 1024 ** 2, k: 1 / 1024, m: 1, g: 1024 }[unit.toLowerCase()] ?? 1
  return Math.ceil(Number(number) * factor)
}
