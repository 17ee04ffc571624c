import type Docker from 'dockerode'
import type { InstanceErrorCode } from '#contracts/instances.ts'
import { InstanceFailure } from '#dtma/drivers/driver.ts'
import { ask, askFor, type Engine, isEngineAway, messageOf, statusOf } from './engine.ts'
import { digestOf, parseImage, pullable } from './image-reference.ts'
import { createPullProgress } from './pull-progress.ts'

/** Phases follow each other at this pace at most; a pull sends hundreds of lines a second. */
const PHASE_EVERY_MS = 1_000
/** An image that is here can be used when its registry does not say within this time whether there is a newer one. */
const REGISTRY_ANSWER_MS = 5_000

export type Credentials = { username: string; password: string }

export type PulledImage = {
  /** The engine's own id, which never means anything else. */
  imageId: string
  /** `repository@sha256:…`, or the image's id when no registry knows it. */
  resolved: string
}

type Request = {
  image: string
  credentials: Credentials | undefined
  signal: AbortSignal
  onPhase(phase: string): void
}

/**
 * Makes sure that the image is here, as its registry has it now. One that was built or imported here and comes from no registry
 * is used as it is: asking a registry for its name could bring somebody else's. Throws InstanceFailure IMAGE_NOT_FOUND,
 * IMAGE_ACCESS_DENIED, IMAGE_PULL_FAILED, TOOLBOX_DISK_FULL, ENGINE_UNAVAILABLE, or the signal's reason.
 */
export async function pullImage(engine: Engine, request: Request): Promise<PulledImage> {
  const parts = parseImage(request.image)
  const reference = pullable(parts)
  request.onPhase('Looking for the image')
  const here = await askFor(() => engine.api.getImage(reference).inspect())
  if (here !== null && (await isCurrent(engine, request, here))) return describe(here, request.image)
  try {
    await pull(engine, reference, request)
  } catch (error) {
    request.signal.throwIfAborted()
    if (isEngineAway(error)) throw error
    const failure = explainPullFailure(request.image, messageOf(error))
    const isRefused = failure.code === 'IMAGE_ACCESS_DENIED' && request.credentials !== undefined
    const unusable = failure.code === 'TOOLBOX_DISK_FULL' || isRefused
    if (here === null || unusable) throw failure
    return describe(here, request.image)
  }
  return describe(await ask(() => engine.api.getImage(reference).inspect()), request.image)
}

/** Local only, named by digest, or the same as in its registry. */
async function isCurrent(engine: Engine, request: Request, here: Docker.ImageInspectInfo): Promise<boolean> {
  const parts = parseImage(request.image)
  const known = digestOf(parts, here.RepoDigests)
  if (parts.digest !== null || known === null) return true
  try {
    const answer = await engine.streams.getImage(pullable(parts)).distribution({
      authconfig: authOf(request),
      abortSignal: AbortSignal.any([request.signal, AbortSignal.timeout(REGISTRY_ANSWER_MS)]),
    })
    return answer.Descriptor.digest === known
  } catch (error) {
    request.signal.throwIfAborted()
    // Credentials that are refused are told to the person who gave them; that is not the same as out of reach.
    return request.credentials === undefined || !/denied|unauthorized/i.test(messageOf(error))
  }
}

async function pull(engine: Engine, reference: string, request: Request): Promise<void> {
  const stream = await ask(() =>
    engine.streams.pull(reference, { authconfig: authOf(request), abortSignal: request.signal }),
  )
  const progress = createPullProgress()
  let shown = ''
  let shownAt = 0
  try {
    for await (const message of jsonLines(stream as AsyncIterable<Buffer>)) {
      const phase = progress.read(message)
      if (phase === null || phase === shown || Date.now() - shownAt < PHASE_EVERY_MS) continue
      shown = phase
      shownAt = Date.now()
      request.onPhase(phase)
    }
  } finally {
    ;(stream as NodeJS.ReadableStream & { destroy(): void }).destroy()
  }
}

async function* jsonLines(stream: AsyncIterable<Buffer>): AsyncGenerator<unknown> {
  let partial = ''
  for await (const piece of stream) {
    const lines = (partial + piece.toString('utf8')).split('\n')
    partial = lines.pop() ?? ''
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line)
  }
}

function authOf({ image, credentials }: Request): Docker.AuthConfigObject | undefined {
  if (credentials === undefined) return undefined
  const serveraddress = parseImage(image).registry ?? 'https://index.docker.io/v1/'
  return { ...credentials, serveraddress }
}

function describe(image: Docker.ImageInspectInfo, name: string): PulledImage {
  const parts = parseImage(name)
  const digest = digestOf(parts, image.RepoDigests)
  return { imageId: image.Id, resolved: digest === null ? image.Id : `${parts.repository}@${digest}` }
}

/** By the words of engine and registry, for the engine sends most of them with the same status. */
export function explainPullFailure(image: string, text: string): InstanceFailure {
  const codes: [RegExp, InstanceErrorCode][] = [
    [/no space left on device|disk quota/i, 'TOOLBOX_DISK_FULL'],
    [/no matching manifest|does not match the specified platform/i, 'IMAGE_NOT_RUNNABLE'],
    [/manifest unknown|manifest for .* not found|name unknown|repository .* not found/i, 'IMAGE_NOT_FOUND'],
    [/denied|unauthorized|authentication required|no basic auth/i, 'IMAGE_ACCESS_DENIED'],
    [/not found/i, 'IMAGE_NOT_FOUND'],
  ]
  const code = codes.find(([words]) => words.test(text))?.[1] ?? 'IMAGE_PULL_FAILED'
  return new InstanceFailure(code, `${image}: ${text}`)
}

/** An image by its id or digest, exactly; null when it is not here. */
export async function findImage(engine: Engine, id: string): Promise<Docker.ImageInspectInfo | null> {
  try {
    return await askFor(() => engine.api.getImage(id).inspect())
  } catch (error) {
    if (statusOf(error) === 400) return null
    throw error
  }
}
