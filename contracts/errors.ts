import { z } from 'zod'

interface CatalogueEntry {
  /** HTTP status of the answer; the tRPC code follows from it. */
  readonly status: 400 | 401 | 403 | 404 | 409 | 412 | 413 | 429 | 500 | 502 | 503 | 504
  /** What happened, for the person who sees it. */
  readonly text: string
  /** What to do next. */
  readonly action: string
  /** Whether the same request may succeed later without anything being changed. */
  readonly retryable: boolean
}

/** The one catalogue of failures: user text, next action, retryable or not, HTTP status. */
export const ERROR_CATALOGUE = {
  // Requests
  BAD_REQUEST: {
    status: 400,
    text: 'The request is not valid.',
    action: 'Correct the fields named below and send it again.',
    retryable: false,
  },
  UNAUTHENTICATED: {
    status: 401,
    text: 'You are not signed in.',
    action: 'Sign in, or send a valid API key.',
    retryable: false,
  },
  CREDENTIALS_INVALID: {
    status: 401,
    text: 'E-mail or password is wrong.',
    action: 'Check both and try again.',
    retryable: false,
  },
  FORBIDDEN: {
    status: 403,
    text: 'You may not do this.',
    action: 'Ask an admin for the right to.',
    retryable: false,
  },
  NOT_FOUND: {
    status: 404,
    text: 'There is no such thing here, or you may not see it.',
    action: 'Check the address or the id.',
    retryable: false,
  },
  CONFLICT: {
    status: 409,
    text: 'Somebody else changed this at the same time.',
    action: 'Reload and try again.',
    retryable: true,
  },
  TOO_MANY_ATTEMPTS: {
    status: 429,
    text: 'Too many attempts.',
    action: 'Wait a few minutes and try again.',
    retryable: true,
  },
  TOO_MANY_STREAMS: {
    status: 429,
    text: 'Too many people follow logs of this toolbox already.',
    action: 'Close other log pages, or pause this one and refresh it by hand.',
    retryable: true,
  },
  PAYLOAD_TOO_LARGE: {
    status: 413,
    text: 'The request is too large.',
    action: 'Send less at once.',
    retryable: false,
  },
  INTERNAL: {
    status: 500,
    text: 'Something went wrong on our side.',
    action: 'Try again. If it stays, look for the request id in the logs.',
    retryable: true,
  },
  STOPPING: {
    status: 503,
    text: 'Toolberth is being stopped or restarted.',
    action: 'Try again in a moment.',
    retryable: true,
  },
  SESSION_CHANGED: {
    status: 503,
    text: 'Your account was changed meanwhile.',
    action: 'Open it again; sign in when you are asked to.',
    retryable: true,
  },
  STORE_UNAVAILABLE: {
    status: 503,
    text: 'The database or Redis cannot be reached.',
    action: 'Try again in a moment. If it stays, check that both are running.',
    retryable: true,
  },

  // Deployments
  NAME_TAKEN: {
    status: 409,
    text: 'A server of this name exists already.',
    action: 'Choose another name, or delete the other server first.',
    retryable: false,
  },
  TOOLBOX_NOT_FOUND: {
    status: 404,
    text: 'There is no such toolbox.',
    action: 'Choose one from the list of toolboxes.',
    retryable: false,
  },
  TOOLBOX_NOT_ACTIVE: {
    status: 412,
    text: 'The toolbox is not active.',
    action: 'Choose an active toolbox, or bring this one back first.',
    retryable: true,
  },
  NO_TOOLBOX_AVAILABLE: {
    status: 412,
    text: 'Resource limit reached: no active toolbox has room for this server.',
    action:
      'Lower its limits, stop or remove a server, or add a toolbox. The detail says what is left where.',
    retryable: true,
  },
  TOOLBOX_FULL: {
    status: 412,
    text: 'Resource limit reached: the toolbox has no room for this server.',
    action: 'Lower its limits, stop or remove another server, or use a toolbox with room.',
    retryable: false,
  },
  TOOLBOX_LACKS_DOCKER: {
    status: 412,
    text: 'An image needs a toolbox that runs containers.',
    action: 'Choose a toolbox with the docker driver, or add one.',
    retryable: false,
  },
  SOURCE_UNSUPPORTED: {
    status: 400,
    text: 'The toolbox cannot run this kind of source.',
    action: 'Choose another toolbox, or another source.',
    retryable: false,
  },
  DEPLOYMENT_IN_PROGRESS: {
    status: 409,
    text: 'Another deployment of this server is still going on.',
    action: 'Wait for it to end, or cancel it first.',
    retryable: true,
  },
  DEPLOYMENT_TIMED_OUT: {
    status: 504,
    text: 'The server did not become ready in time.',
    action: 'Look at its log below; then deploy again, or raise its limits.',
    retryable: true,
  },
  PACKAGE_NOT_FOUND: {
    status: 404,
    text: 'The npm registry knows no such package.',
    action: 'Check the spelling of the package name and its scope.',
    retryable: false,
  },
  PACKAGE_VERSION_NOT_FOUND: {
    status: 404,
    text: 'The package has no such version.',
    action: 'Choose a published version, or leave the version out.',
    retryable: false,
  },
  PACKAGE_INSTALL_FAILED: {
    status: 502,
    text: 'The package could not be installed.',
    action: 'Look at the log below; check that the toolbox reaches the npm registry, then deploy again.',
    retryable: true,
  },
  PACKAGE_HAS_NO_BIN: {
    status: 400,
    text: 'The package has no executable to start.',
    action: 'Choose a package that is an MCP server, or name its executable.',
    retryable: false,
  },
  IMAGE_NOT_FOUND: {
    status: 404,
    text: 'There is no image of this name and tag in its registry.',
    action: 'Check the spelling of registry, name and tag.',
    retryable: false,
  },
  IMAGE_ACCESS_DENIED: {
    status: 403,
    text: 'The registry refused to hand out this image.',
    action: 'Check the name, or give credentials for its registry under Settings.',
    retryable: false,
  },
  IMAGE_PULL_FAILED: {
    status: 502,
    text: 'The image could not be pulled.',
    action: 'Check that the toolbox reaches the registry, then try again.',
    retryable: true,
  },
  IMAGE_NOT_RUNNABLE: {
    status: 400,
    text: 'The image cannot be run on this toolbox.',
    action: 'Read the detail: it names what the image lacks.',
    retryable: false,
  },
  ENGINE_UNAVAILABLE: {
    status: 503,
    text: 'The container engine of the toolbox does not answer.',
    action: 'Check that Docker runs on the toolbox; it is tried again by itself.',
    retryable: true,
  },
  REMOTE_ADDRESS_REFUSED: {
    status: 403,
    text: 'This address may not be called from a toolbox.',
    action: 'Use a public address; private ones have to be allowed on the toolbox.',
    retryable: false,
  },
  REMOTE_UNREACHABLE: {
    status: 502,
    text: 'The remote server could not be reached.',
    action: 'Check the URL, and that the toolbox reaches it.',
    retryable: true,
  },
  REMOTE_TLS_FAILED: {
    status: 502,
    text: 'The certificate of the remote server is not trusted.',
    action: 'Check its certificate, and that the URL names the host it was made for.',
    retryable: true,
  },
  REMOTE_REDIRECTS: {
    status: 502,
    text: 'The remote server redirects to another address.',
    action:
      'Use the address that it redirects to; redirects are not followed, so that credentials stay where they belong.',
    retryable: false,
  },
  SERVER_EXITED: {
    status: 502,
    text: 'The server ended right after it was started.',
    action: 'Look at its exit code and log below, correct its arguments or variables, then deploy again.',
    retryable: false,
  },
  SERVER_NEEDS_VARIABLE: {
    status: 400,
    text: 'The server needs a variable that it was not given.',
    action: 'Add the variable named below and deploy again.',
    retryable: false,
  },
  SERVER_OUT_OF_MEMORY: {
    status: 502,
    text: 'The server used more memory than it may.',
    action: 'Raise its memory limit and deploy again.',
    retryable: false,
  },
  SERVER_TOO_MANY_PROCESSES: {
    status: 502,
    text: 'The server started more processes than it may.',
    action: 'Raise its process limit if it needs them, and deploy again.',
    retryable: false,
  },
  SERVER_NOT_LISTENING: {
    status: 504,
    text: 'The server runs, but does not listen on the port it was given.',
    action: 'Check its transport and how it is told its port.',
    retryable: false,
  },
  NOT_AN_MCP_SERVER: {
    status: 502,
    text: 'It runs, but it does not speak MCP.',
    action: 'Check the package, its arguments and its transport.',
    retryable: false,
  },
  WRONG_CONTENT_TYPE: {
    status: 502,
    text: 'The server answers in MCP, but labels its answers as something else.',
    action: 'Update the server, or look for a proxy in front of it that changes the content type.',
    retryable: false,
  },
  ISOLATION_UNAVAILABLE: {
    status: 412,
    text: 'The toolbox cannot isolate servers from each other.',
    action: 'Run the toolbox agent as root, or install bubblewrap on it.',
    retryable: false,
  },
  TOOLBOX_DISK_FULL: {
    status: 412,
    text: 'The disk of the toolbox is full.',
    action: 'Free some space on it, then deploy again.',
    retryable: true,
  },
  TOOLBOX_UNREACHABLE: {
    status: 503,
    text: 'The toolbox does not answer.',
    action: 'Check that its agent runs and that its address and port can be reached.',
    retryable: true,
  },
  TOOLBOX_BUSY: {
    status: 503,
    text: 'The toolbox is asked for too much at once.',
    action: 'Try again in a moment.',
    retryable: true,
  },
  TOOLBOX_REFUSED: {
    status: 502,
    text: 'The toolbox refused the request.',
    action: 'Look at the detail below and at the log of the toolbox.',
    retryable: false,
  },
  TOOLBOX_INTERNAL: {
    status: 502,
    text: 'The toolbox failed on its side.',
    action: 'Look at its log, then try again.',
    retryable: true,
  },
  PUBLIC_URL_IS_LOOPBACK: {
    status: 412,
    text: 'Toolboxes on other machines cannot reach this installation: PUBLIC_URL is a loopback address.',
    action: 'Set PUBLIC_URL to an address that other machines reach, over HTTPS, and start again.',
    retryable: false,
  },
  PUBLIC_URL_NOT_HTTPS: {
    status: 412,
    text: 'Toolboxes on other machines need HTTPS, and PUBLIC_URL is plain HTTP.',
    action:
      'Put a proxy with TLS in front of Toolberth, set PUBLIC_URL to its https address, and start again.',
    retryable: false,
  },
  AGENT_NOT_PACKED: {
    status: 503,
    text: 'This installation has no agent to hand out.',
    action: 'Run "npm run pack:agent" where Toolberth is installed, or start it with "npm start".',
    retryable: false,
  },
  TOOLBOX_NAME_TAKEN: {
    status: 409,
    text: 'A toolbox of this name exists already.',
    action: 'Choose another name.',
    retryable: false,
  },
  TOOLBOX_IS_LOCAL: {
    status: 409,
    text: 'This is the local toolbox, which Toolberth starts and keeps itself.',
    action: 'Drain it when nothing shall run there; it is upgraded together with Toolberth.',
    retryable: false,
  },
  TOOLBOX_NOT_EMPTY: {
    status: 409,
    text: 'There are still servers on this toolbox.',
    action: 'Move or delete them first, or force the deletion and lose them.',
    retryable: false,
  },
  TOOLBOX_STATE_FORBIDS: {
    status: 409,
    text: 'The toolbox is in no state for this.',
    action: 'Read the detail, and wait for it to change.',
    retryable: true,
  },
  TOOLBOX_BOOTSTRAP_FAILED: {
    status: 502,
    text: 'The agent could not be installed on the machine.',
    action: 'Mend what the detail names, then run the command again with a new token.',
    retryable: false,
  },
  TOOLBOX_PROTOCOL_UNSUPPORTED: {
    status: 502,
    text: 'The agent and Toolberth speak no common version of their protocol.',
    action: 'Upgrade whichever is older; for the agent, run the install command again.',
    retryable: false,
  },
  TOOLBOX_NOT_UPGRADABLE: {
    status: 409,
    text: 'This agent cannot replace itself.',
    action: 'Upgrade it the way it was installed; the install command makes one that can.',
    retryable: false,
  },
  UPGRADE_FAILED: {
    status: 502,
    text: 'The agent could not be upgraded; it runs the version it had.',
    action: 'Read the detail, and try again.',
    retryable: true,
  },
  DATA_CANNOT_MOVE: {
    status: 409,
    text: 'The server keeps data on its toolbox, which does not move with it.',
    action: 'Deploy it anew on the other toolbox, bring its data there, then delete it here.',
    retryable: false,
  },
  NO_WORKER: {
    status: 503,
    text: 'No worker is running, so nothing that is asked for is carried out.',
    action:
      'Start a worker: npm start runs one, so does node workers/index.ts. What waits is then carried out.',
    retryable: true,
  },
  QUEUE_BUSY: {
    status: 503,
    text: 'More is asked for at once than the workers carry out.',
    action: 'It goes on by itself. If this stays, raise PROVISION_CONCURRENCY or run another worker.',
    retryable: true,
  },
  QUEUE_STUCK: {
    status: 503,
    text: 'Jobs wait although there are workers.',
    action: 'Look at the log of the workers and restart them; what waits is taken up again.',
    retryable: true,
  },
  OUTBOX_STUCK: {
    status: 503,
    text: 'What is asked for is not handed to the queues.',
    action: 'Check that a worker is running and that it reaches Redis; nothing is lost meanwhile.',
    retryable: true,
  },
  CLOUD_NOT_CONFIGURED: {
    status: 412,
    text: 'This installation has no token for DigitalOcean.',
    action: 'Store one in the settings, with read and write access to droplets, firewalls and tags.',
    retryable: false,
  },
  CLOUD_UNAUTHORIZED: {
    status: 412,
    text: 'DigitalOcean does not accept the token, or the token lacks a right.',
    action:
      'Make a new one there, with read and write access to droplets, firewalls and tags, and store it here.',
    retryable: false,
  },
  CLOUD_REFUSED: {
    status: 400,
    text: 'DigitalOcean refused the request.',
    action:
      'Read the detail: it names what was refused. Choose another size or region, or raise your limit there.',
    retryable: false,
  },
  CLOUD_RATE_LIMITED: {
    status: 429,
    text: 'DigitalOcean asks to send fewer requests.',
    action: 'Wait a moment; what is going on goes on by itself.',
    retryable: true,
  },
  CLOUD_UNREACHABLE: {
    status: 502,
    text: 'DigitalOcean does not answer, or fails on its side.',
    action:
      'Check that this machine reaches api.digitalocean.com, and status.digitalocean.com; then try again.',
    retryable: true,
  },
  DROPLET_ERRORED: {
    status: 502,
    text: 'DigitalOcean could not make the droplet.',
    action: 'Try again, or choose another region.',
    retryable: true,
  },
  DROPLET_LOST: {
    status: 502,
    text: 'The droplet was destroyed or switched off, not by Toolberth.',
    action: 'Find out who did in the account; then try again.',
    retryable: true,
  },
  DROPLET_TIMED_OUT: {
    status: 504,
    text: 'The droplet did not become a toolbox in time.',
    action: 'Check that PUBLIC_URL can be reached from outside, then try again.',
    retryable: true,
  },
  SUPERSEDED: {
    status: 409,
    text: 'The server was changed or deleted meanwhile.',
    action: 'Nothing to do.',
    retryable: false,
  },

  // Probes and connection tests
  CONNECTION_REFUSED: {
    status: 502,
    text: 'Nothing listens at the address of the server.',
    action: 'Check that the server is running, then try again.',
    retryable: true,
  },
  DNS_FAILED: {
    status: 502,
    text: 'The name of the server cannot be resolved.',
    action: 'Check the host name.',
    retryable: true,
  },
  TLS_FAILED: {
    status: 502,
    text: 'No trusted connection could be made.',
    action: 'The key of the toolbox changed or its certificate is wrong: enrol it again.',
    retryable: false,
  },
  PROBE_TIMEOUT: {
    status: 504,
    text: 'The server did not answer in time.',
    action: 'Try again; look at the log of the server if it stays.',
    retryable: true,
  },
  AUTH_REQUIRED: {
    status: 502,
    text: 'The server asks for credentials.',
    action: 'Give it the credentials it asks for.',
    retryable: false,
  },
  SERVER_FORBIDS: {
    status: 502,
    text: 'The server refuses these credentials.',
    action: 'Check the credentials of the server.',
    retryable: false,
  },
  ENDPOINT_NOT_FOUND: {
    status: 502,
    text: 'The server has no MCP endpoint at this path.',
    action: 'Check the path of its endpoint.',
    retryable: false,
  },
  PROTOCOL_VERSION_UNSUPPORTED: {
    status: 502,
    text: 'The server speaks a version of MCP that is not supported.',
    action: 'Update the server.',
    retryable: false,
  },
  UPSTREAM_UNAVAILABLE: {
    status: 502,
    text: 'The server answered with an error of its own.',
    action: 'Try again; look at the log of the server if it stays.',
    retryable: true,
  },
  PROTOCOL_ERROR: {
    status: 502,
    text: 'The server broke the rules of MCP.',
    action: 'Report it to the makers of the server.',
    retryable: false,
  },

  // Connections and agents
  SERVER_NOT_RUNNING: {
    status: 412,
    text: 'The server is not running.',
    action: 'Wait until it runs, or ask an admin to start it.',
    retryable: true,
  },
  ALREADY_CONNECTED: {
    status: 409,
    text: 'This agent is already connected to this server.',
    action: 'Use the connection it has, or disconnect it first.',
    retryable: false,
  },
  SLUG_TAKEN: {
    status: 409,
    text: 'Another connection of this agent has this prefix already.',
    action: 'Choose another prefix.',
    retryable: false,
  },
  CREDENTIALS_MISSING: {
    status: 400,
    text: 'This server needs credentials of yours.',
    action: 'Give those that are missing; until then nothing is sent to it.',
    retryable: false,
  },
  CONNECTION_ENDED: {
    status: 409,
    text: 'This connection has ended.',
    action: 'Connect the agent anew; its history stays.',
    retryable: false,
  },
  TEST_NOT_PASSED: {
    status: 412,
    text: 'The connection test has not passed.',
    action: 'Test the connection again.',
    retryable: true,
  },
  TEST_CANCELLED: {
    status: 409,
    text: 'The connection test was cancelled.',
    action: 'Test again when you are ready.',
    retryable: true,
  },

  // Gateway
  AGENT_TOKEN_INVALID: {
    status: 401,
    text: 'The token of the agent is missing, unknown or revoked.',
    action: 'Copy the URL and the token from the page of the agent, then connect again.',
    retryable: false,
  },
  TOOL_UNKNOWN: {
    status: 404,
    text: 'This agent has no tool of this name.',
    action: 'List the tools again; the connection may have ended.',
    retryable: false,
  },
  TOO_MANY_CALLS: {
    status: 429,
    text: 'Too many calls are under way at once.',
    action: 'Wait for some of them to end, then call again.',
    retryable: true,
  },
  RATE_LIMITED: {
    status: 429,
    text: 'More calls were made in this minute than are allowed.',
    action: 'Wait as long as retry-after says, then call again.',
    retryable: true,
  },
  SERVER_FAILING: {
    status: 503,
    text: 'The last calls to this server got no answer, so it is left alone for some seconds.',
    action: 'Call again in a moment: one call then tries whether it is back.',
    retryable: true,
  },
  CALL_TIMED_OUT: {
    status: 504,
    text: 'The tool did not answer in time.',
    action: 'Call it again; if it stays, look at the log of its server.',
    retryable: true,
  },
  CALL_LOST: {
    status: 409,
    text: 'The call that asked this does not wait for the answer any more.',
    action: 'Make the call again from the start, without requestState.',
    retryable: false,
  },
  GATEWAY_UNREACHABLE: {
    status: 502,
    text: 'The gateway did not answer as it should.',
    action: 'Try again; if it stays, check that the gateway runs and that GATEWAY_URL names it.',
    retryable: true,
  },

  // Catalog
  CATALOG_SLUG_TAKEN: {
    status: 409,
    text: 'The catalog has an entry of this name already.',
    action: 'Choose another name, or edit the entry that there is.',
    retryable: false,
  },
  IMPORT_UNREADABLE: {
    status: 400,
    text: 'This is no configuration that can be read.',
    action:
      'Give a server.json, a claude_desktop_config.json, an .mcp.json, a .vscode/mcp.json or the config.toml of Codex.',
    retryable: false,
  },
  REGISTRY_UNREACHABLE: {
    status: 502,
    text: 'The MCP registry cannot be reached.',
    action: 'Check that this machine reaches it, or paste the server.json of the server instead.',
    retryable: true,
  },

  // Accounts
  EMAIL_TAKEN: {
    status: 409,
    text: 'There is a user with this e-mail address already.',
    action: 'Use another address.',
    retryable: false,
  },
  LAST_ADMIN: {
    status: 412,
    text: 'This is the last admin.',
    action: 'Make somebody else an admin first.',
    retryable: false,
  },
} as const satisfies Record<string, CatalogueEntry>

export type ErrorCode = keyof typeof ERROR_CATALOGUE
export const ErrorCode = z.enum(Object.keys(ERROR_CATALOGUE) as [ErrorCode, ...ErrorCode[]])

/** A failure as rows, events and pages carry it; text and action come from the catalogue by code. */
export const Failure = z.object({
  code: ErrorCode,
  /** Technical detail for admins, redacted. */
  detail: z.string().nullable().default(null),
  /** The variable's name for SERVER_NEEDS_VARIABLE. */
  variable: z.string().nullable().default(null),
  /** Exit code of the server, when it ended. */
  exitCode: z.int().nullable().default(null),
})
export type Failure = z.infer<typeof Failure>

/** `data.toolberth` of every tRPC error answer. */
export const ErrorAnswer = z.object({
  code: ErrorCode,
  text: z.string(),
  action: z.string(),
  retryable: z.boolean(),
  requestId: z.string(),
  /** Field path (joined with dots) to what is wrong with it, for BAD_REQUEST. */
  fields: z.record(z.string(), z.array(z.string())).optional(),
  detail: z.string().optional(),
  /** Seconds to wait, for TOO_MANY_ATTEMPTS. */
  retryAfter: z.number().optional(),
})
export type ErrorAnswer = z.infer<typeof ErrorAnswer>
