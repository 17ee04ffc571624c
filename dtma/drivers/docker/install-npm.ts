import { posix } from 'node:path'
import type { NpmSource } from '#contracts/instances.ts'
import { type DriverInstance, InstanceFailure, type LogSink } from '#dtma/drivers/driver.ts'
import { type BinChoice, binOfManifest, interpreterOf } from '#dtma/drivers/process/choose-bin.ts'
import { npmInstallArguments, passedVariables } from '#dtma/drivers/process/install-package.ts'
import { createPhaseReader, explainNpmFailure } from '#dtma/drivers/process/npm-output.ts'
import { createLineReader } from '#mcp/line-reader.ts'
import { createRedactor } from '#protocol/redact.ts'
import { packFiles, readContainerFile } from './archive.ts'
import { confinement, PACKAGE_PATH } from './container-options.ts'
import { explainStartFailure } from './container-run.ts'
import { demultiplex } from './demultiplex.ts'
import { ask, type Engine, messageOf, statusOf } from './engine.ts'
import { type Helper, removeContainer, removeOurContainer, withHelper } from './helper-container.ts'
import { FALLBACK_USER } from './image-user.ts'
import { instanceLabels, LABEL, labelsOf, nameOf, type Owner } from './labels.ts'
import { giveFolders, type PrepareContext } from './prepare-image.ts'
import type { Prepared } from './prepared.ts'
import { pullImage } from './pull-image.ts'
import { packageVolumeName } from './start-container.ts'

/** npm unpacks whole packages in memory; its cache lies in the container's temporary files. */
const INSTALL_LIMITS = { memoryMb: 2048, cpus: 2, pids: 256 }
const TEMPORARY = 'rw,nosuid,nodev,size=1024m,mode=1777'
/** As the process driver: a large package over a slow line. */
const INSTALL_LIMIT_MS = 10 * 60_000
const MAX_LINE_CHARS = 256 * 1024
const NPMRC = '/etc/toolberth-npmrc'

export type NpmOptions = {
  /** The image that npm packages are installed and run in. */
  nodeImage: string
  /** Contents of an npm configuration file, credentials of registries included; servers never see it. */
  userConfig: string | null
  network: string
}

/** Installs an npm package into a volume of the instance's own, in a container that can do nothing else. */
export async function prepareNpm(
  engine: Engine,
  owner: Owner,
  instance: DriverInstance,
  source: NpmSource,
  options: NpmOptions,
  context: PrepareContext & { log: LogSink },
): Promise<Prepared> {
  const pulled = await pullImage(engine, { ...context, image: options.nodeImage, credentials: undefined })
  const volume = packageVolumeName(instance.id)
  const labels = labelsOf(owner, 'package', { [LABEL.instance]: instance.id })
  await ask(() => engine.api.createVolume({ Name: volume, Labels: labels }))
  const mounts = [{ Type: 'volume' as const, Source: volume, Target: PACKAGE_PATH }]
  const helper = {
    owner,
    name: `${nameOf(instance.id)}-prepare`,
    imageId: pulled.imageId,
    mounts,
    labels: instanceLabels(owner, 'prepare', instance),
  }
  await withHelper(engine, helper, (id) => giveFolders(engine, id, [PACKAGE_PATH], FALLBACK_USER))
  await runNpm(engine, { ...helper, source, options, context })
  const bin = await withHelper(engine, helper, (id) => readBin(engine, id, source))
  context.log.write('agent', `Installed ${source.package} ${bin.version}.`)
  return {
    imageId: pulled.imageId,
    pullable: pulled.resolved === pulled.imageId ? null : pulled.resolved,
    resolvedVersion: bin.version,
    user: { ...FALLBACK_USER, replaced: true },
    exposedPort: null,
    cmd: [],
    bin: { path: bin.path, runBy: bin.runBy },
  }
}

async function runNpm(
  engine: Engine,
  install: Helper & {
    source: NpmSource
    options: NpmOptions
    context: PrepareContext
  },
): Promise<void> {
  const { source, options, context } = install
  context.signal.throwIfAborted()
  await removeOurContainer(engine, install.owner, install.name)
  const container = await ask(() =>
    engine.api.createContainer({
      name: install.name,
      Image: install.imageId,
      User: `${FALLBACK_USER.uid}:${FALLBACK_USER.gid}`,
      Labels: install.labels,
      Env: environmentOf(options),
      Entrypoint: ['npm'],
      Cmd: ['install', `--prefix=${PACKAGE_PATH}`, ...npmInstallArguments(source)],
      // Not the volume itself: the engine would make it root's again.
      WorkingDir: '/tmp',
      AttachStdout: true,
      AttachStderr: true,
      Healthcheck: { Test: ['NONE'] },
      HostConfig: {
        ...confinement(INSTALL_LIMITS, options.network),
        // Its configuration is written into it before it starts; nobody but root can write there afterwards.
        ReadonlyRootfs: false,
        Tmpfs: { '/tmp': TEMPORARY },
        Mounts: install.mounts,
        LogConfig: { Type: 'none', Config: {} },
      },
    }),
  )
  const stop = () => void removeContainer(engine, container.id).catch(() => undefined)
  const limit = AbortSignal.timeout(INSTALL_LIMIT_MS)
  const signal = AbortSignal.any([context.signal, limit])
  try {
    await writeConfiguration(engine, container.id, options)
    const output = await ask(() =>
      engine.streams.getContainer(container.id).attach({ stream: true, stdout: true, stderr: true }),
    )
    signal.addEventListener('abort', stop, { once: true })
    signal.throwIfAborted()
    await start(engine, container.id, options)
    const texts = await readNpm(output, context)
    const { State: state } = await ask(() => engine.api.getContainer(container.id).inspect())
    if (state.ExitCode === 0 && !state.Running) return
    const failure = explainNpmFailure({ packageName: source.package, exitCode: state.ExitCode, ...texts })
    throw new InstanceFailure(failure.code, createRedactor([]).text(failure.detail))
  } catch (error) {
    context.signal.throwIfAborted()
    if (limit.aborted) {
      throw new InstanceFailure('PACKAGE_INSTALL_FAILED', 'npm was not done after 10 minutes.')
    }
    throw error
  } finally {
    signal.removeEventListener('abort', stop)
    await removeContainer(engine, container.id)
  }
}

async function start(engine: Engine, id: string, options: NpmOptions): Promise<void> {
  try {
    await ask(() => engine.api.getContainer(id).start())
  } catch (error) {
    if (statusOf(error) === null) throw error
    throw explainStartFailure(options.nodeImage, messageOf(error))
  }
}

async function writeConfiguration(engine: Engine, id: string, options: NpmOptions): Promise<void> {
  if (options.userConfig === null) return
  const file = { name: NPMRC.slice(1), ...FALLBACK_USER, mode: 0o400, content: options.userConfig }
  const archive = await packFiles([file])
  await ask(() => engine.api.getContainer(id).putArchive(archive, { path: '/' }))
}

async function readNpm(
  output: NodeJS.ReadableStream,
  context: PrepareContext,
): Promise<{ stdout: string; stderr: string }> {
  const readPhase = createPhaseReader()
  let stdout = ''
  let stderr = ''
  const lines = createLineReader({
    maxChars: MAX_LINE_CHARS,
    onLine(line) {
      stderr = `${stderr}${line}\n`.slice(-MAX_LINE_CHARS)
      const phase = readPhase(line)
      if (phase !== null) context.onPhase(phase)
    },
    onTooLong: () => undefined,
  })
  await demultiplex(output, {
    onStdout(data) {
      stdout = (stdout + data.toString('utf8')).slice(-MAX_LINE_CHARS)
      return null
    },
    onStderr(data) {
      lines.push(data)
      return null
    },
  })
  lines.end()
  return { stdout, stderr }
}

function environmentOf(options: NpmOptions): string[] {
  const { PATH: _path, SSL_CERT_FILE: _file, SSL_CERT_DIR: _folder, ...passed } = passedVariables()
  const variables = {
    ...passed,
    HOME: '/tmp',
    npm_config_cache: '/tmp/.npm',
    ...(options.userConfig === null ? {} : { npm_config_userconfig: NPMRC }),
  }
  return Object.entries(variables).map(([name, value]) => `${name}=${value}`)
}

async function readBin(
  engine: Engine,
  containerId: string,
  source: NpmSource,
): Promise<BinChoice & { runBy: 'node' | 'itself' }> {
  const root = posix.join(PACKAGE_PATH, 'node_modules', source.package)
  const manifest = await readContainerFile(engine, containerId, posix.join(root, 'package.json'))
  const chosen = binOfManifest(manifest?.toString('utf8') ?? '{}', source.package, source.bin)
  const path = posix.join(root, chosen.path)
  const file = path.startsWith(`${root}/`) ? await readContainerFile(engine, containerId, path) : null
  if (file === null) {
    const detail = `The file of "${chosen.name}" is missing in ${source.package}.`
    throw new InstanceFailure('PACKAGE_HAS_NO_BIN', detail)
  }
  return { ...chosen, path, runBy: interpreterOf(file.subarray(0, 256)) }
}
