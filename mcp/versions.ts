/** Protocol versions of the sessionful era that our bridge and gateway understand, newest first (they sort as text). */
export const SESSION_VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const
export const LATEST_SESSION_VERSION = SESSION_VERSIONS[0]

export function isSessionVersion(version: unknown): version is (typeof SESSION_VERSIONS)[number] {
  return SESSION_VERSIONS.some((known) => known === version)
}
